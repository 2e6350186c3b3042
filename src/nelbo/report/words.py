"""Every sentence of the reports, in one file a language: `strings/en.json`, `strings/zh.json`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from nelbo.compare.results import Comparison
from nelbo.errors import BadValue, nearest

FOLDER = Path(__file__).parent / "strings"
_DATA_NAMES = {"mnist": "MNIST", "fashion-mnist": "Fashion-MNIST"}


class Phrases:
    """The strings of one language.

    Args:
        lang: `"en"` or `"zh"`.

    Raises:
        ValueError: a language without strings.

    Example:
        >>> Phrases("en").list(["a", "b", "c"])
        'a, b and c'
    """

    def __init__(self, lang: str) -> None:
        self.lang, self._strings = lang, strings(lang)
        self._nouns: dict[str, str] = {}

    def __call__(self, key: str, **values: object) -> str:
        """Return the string of this key with its placeholders filled in."""
        return self._strings[key].format_map({**self._nouns, **values})

    def has(self, key: str) -> bool:
        """Return whether there is a string of this key."""
        return key in self._strings

    def list(self, items: Sequence[str]) -> str:
        """Return "a, b and c"."""
        if len(items) < 2:
            return "".join(items)
        head = self._strings["list.comma"].join(items[:-1])
        return f"{head}{self._strings['list.and']}{items[-1]}"


class Words(Phrases):
    """The strings of one language, with the nouns that suit the data already filled in.

    Args:
        lang: `"en"` or `"zh"`.
        comparison: what the words are about: images or examples, pixels or values, and its name.

    Raises:
        ValueError: a language without strings.
    """

    def __init__(self, lang: str, comparison: Comparison) -> None:
        super().__init__(lang)
        shape = comparison.data_shape
        kind = "image" if is_image(shape) else "example"
        grey = kind == "image" and shape[:-2] in ((), (1,))
        self._nouns = {
            "one": self._strings[f"noun.{kind}.one"],
            "many": self._strings[f"noun.{kind}.many"],
            "unit": self._strings[f"noun.{kind}.unit"],
            "units": self._strings[f"noun.{kind}.units"],
            "values": self._strings["noun.pixels" if grey else "noun.values"],
            "data": data_name(comparison.data),
        }


def data_name(name: str) -> str:
    """Return a data set's name as people write it.

    Example:
        >>> data_name("mnist"), data_name("mine")
        ('MNIST', 'mine')
    """
    return _DATA_NAMES.get(name, name)


@cache
def strings(lang: str) -> dict[str, str]:
    """Return the strings of a language by key.

    Example:
        >>> strings("en")["verdict.collapses"]
        'collapses'
    """
    known = sorted(path.stem for path in FOLDER.glob("*.json"))
    if lang not in known:
        raise BadValue("lang", expected="a language", got=f"'{lang}'", fix=nearest(lang, known))
    return json.loads((FOLDER / f"{lang}.json").read_text(encoding="utf-8"))


def is_image(shape: tuple[int, ...]) -> bool:
    """Return whether an example of this shape is a picture: [H, W], [1, H, W] or [3, H, W].

    Example:
        >>> is_image((1, 28, 28)), is_image((3, 32, 32)), is_image((12,)), is_image((7, 5, 5))
        (True, True, False, False)
    """
    flat = len(shape) == 2 or (len(shape) == 3 and shape[0] in (1, 3))
    return flat and min(shape[-2:]) > 1
