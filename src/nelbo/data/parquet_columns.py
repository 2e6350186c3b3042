"""Which columns of a parquet file are the examples, and how they become arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nelbo.data.header import Header
from nelbo.data.image_file import alike, read_image
from nelbo.errors import BadValue, Failed

NAMES = ("image", "x", "data", "features")  # of the column that holds the examples
LABELS = ("label", "labels", "y")
_INDEX = "__index_level_"  # what pandas adds of its own


@dataclass(frozen=True)
class Columns:
    """The columns that are read.

    Args:
        names: of the columns that hold the examples: one of images or vectors, or numbers and
            words.
        kind: `"image"`, `"vector"` or `"numbers"`.
        label: of the column of class numbers, if there is one.
        texts: names of the columns of words.
        words: of each of them, in the order of their codes, once they are known.
    """

    names: tuple[str, ...]
    kind: str
    label: str | None = None
    texts: tuple[str, ...] = ()
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def header(self) -> Header:
        """Names and words of a table; an empty one of images and vectors."""
        if self.kind != "numbers":
            return Header()
        words = {i: self.words[name] for i, name in enumerate(self.names) if name in self.words}
        return Header(self.names, words)

    def array(self, table: Any, what: str, rows: np.ndarray) -> np.ndarray:
        """Return the examples of a table as [n, ...].

        Args:
            table: one of pyarrow's, with these columns.
            what: the file's name in error messages.
            rows: of the file, from 0, that the table's are.

        Raises:
            ValueError: a missing value, vectors of several lengths, images that cannot be read.
        """
        places = [_Place(what, name, rows) for name in self.names]
        if self.kind == "image":
            return _images(table.column(self.names[0]), places[0])
        if self.kind == "vector":
            return _vectors(table.column(self.names[0]), places[0])
        with np.errstate(over="ignore"):  # what overflows is infinite, and reported as such
            columns = [
                _codes(table.column(name), self.words.get(name, ()))
                if name in self.texts
                else _numbers(table.column(name))
                for name in self.names
            ]
        return np.stack(columns, axis=1)

    def classes(self, table: Any, what: str, rows: np.ndarray) -> np.ndarray:
        """Return the class numbers of a table, [n]; ValueError where one is missing."""
        assert self.label is not None
        place = _Place(what, self.label, rows)
        return _vectors(table.column(self.label), place).astype(np.int64)


def choose(schema: Any, what: str) -> Columns:
    """Return the columns of a schema that hold examples and labels.

    Raises:
        ValueError: several could be meant, or there are columns neither of numbers nor of text.
    """
    import pyarrow.types as types

    fields = [field for field in schema if not field.name.startswith(_INDEX)]
    arrays = {f.name: kind for f in fields if (kind := _kind(f.type))}
    named = [name for name in NAMES if name in arrays]
    if len(arrays) == 1 or named:
        name = named[0] if named else next(iter(arrays))
        whole = {f.name for f in fields if types.is_integer(f.type)}
        label = next((name for name in LABELS if name in whole), None)
        return Columns((name,), arrays[name], label)
    texts = tuple(f.name for f in fields if is_text(f.type))
    others = [f for f in fields if not (_is_number(f.type) or f.name in texts)]
    if fields and not others:
        return Columns(tuple(f.name for f in fields), "numbers", texts=texts)
    shown = ", ".join(f"{f.name} ({f.type})" for f in fields)
    raise BadValue(
        what,
        expected=f"numbers or words, or a column of images or vectors named {', '.join(NAMES)}",
        got=shown[:200] or "no columns",
        fix="Rename the one that is meant to x, or leave the others out.",
    )


@dataclass(frozen=True)
class _Place:
    """Where in a file a value stands, for messages."""

    file: str
    name: str
    rows: np.ndarray

    def of(self, row: int) -> str:
        return f"{self.file}, row {int(self.rows[row])}, column '{self.name}'"

    def missing(self, row: int) -> BadValue:
        fix = "Remove such rows or fill the gaps first."
        return BadValue(self.of(row), expected="a value", got="none (null)", fix=fix)


def _kind(type_: Any) -> str | None:
    """Return what a column holds an example of, by its type; None for numbers and all else."""
    import pyarrow.types as types

    if types.is_struct(type_):  # the form of Hugging Face's images
        held = {type_.field(i).name: type_.field(i).type for i in range(type_.num_fields)}
        return "image" if "bytes" in held and _is_binary(held["bytes"]) else None
    inner = type_ = _plain(type_)
    while _is_list(inner):
        inner = inner.value_type
    return "vector" if inner is not type_ and _is_number(inner) else None


def _plain(type_: Any) -> Any:
    """Return what a type is stored as: Hugging Face's arrays are lists by another name."""
    return getattr(type_, "storage_type", type_)


def _is_list(type_: Any) -> bool:
    import pyarrow.types as types

    return types.is_fixed_size_list(type_) or types.is_list(type_) or types.is_large_list(type_)


def _is_binary(type_: Any) -> bool:
    import pyarrow.types as types

    return types.is_binary(type_) or types.is_large_binary(type_)


def _is_number(type_: Any) -> bool:
    import pyarrow.types as types

    return types.is_integer(type_) or types.is_floating(type_) or types.is_boolean(type_)


def is_text(type_: Any) -> bool:
    """Return whether a column holds words, as such or as pandas' categories."""
    import pyarrow.types as types

    inner = type_.value_type if types.is_dictionary(type_) else type_
    return types.is_string(inner) or types.is_large_string(inner)


def words_of(column: Any) -> set[str]:
    """Return the different words of a column."""
    found = {word.strip() for word in column.combine_chunks().unique().to_pylist() if word}
    return found - {""}


def _codes(column: Any, words: tuple[str, ...]) -> np.ndarray:
    """Return the codes of words as float32 [n], with NaN where one is missing."""
    codes = {word: code for code, word in enumerate(words)}
    cells = ((cell or "").strip() for cell in column.to_pylist())
    return np.array([codes.get(cell, np.nan) for cell in cells], dtype=np.float32)


def _numbers(column: Any) -> np.ndarray:
    """Return numbers as float32 [n], with NaN where one is missing."""
    return column.combine_chunks().to_numpy(zero_copy_only=False).astype(np.float32)


def _vectors(column: Any, place: _Place) -> np.ndarray:
    """Return numbers as [n], lists of numbers as [n, length], lists of lists as [n, a, b]."""
    array, shape = column.combine_chunks(), [len(column)]
    array = getattr(array, "storage", array)
    while True:
        if array.null_count:
            first = int(np.flatnonzero(array.is_null().to_numpy(zero_copy_only=False))[0])
            raise place.missing(first // max(1, int(np.prod(shape[1:]))))
        if not _is_list(array.type):
            found = array.to_numpy(zero_copy_only=False)
            return found.reshape(shape)
        shape.append(_length(array, shape, place))
        array = array.flatten()


def _length(array: Any, shape: list[int], place: _Place) -> int:
    """Return the one length of all lists."""
    if len(array) == 0:  # inside lists that hold nothing: refused as no features
        return 0
    lengths = array.value_lengths().to_numpy(zero_copy_only=False)
    other = np.flatnonzero(lengths != lengths[0])
    if len(other):
        raise BadValue(
            place.of(int(other[0]) // max(1, int(np.prod(shape[1:])))),
            expected=f"{lengths[0]} values, as in the first row",
            got=int(lengths[other[0]]),
            fix="Cut or fill every vector to one length.",
        )
    return int(lengths[0])


def _images(column: Any, place: _Place) -> np.ndarray:
    found: list[np.ndarray] = []
    for i, held in enumerate(_bytes(column)):
        if held is None:
            raise place.missing(i)
        image = read_image(held, place.of(i))
        first = found[0].shape if found else image.shape
        found.append(alike(image, place.of(i), first, place.of(0)))
    return np.stack(found)


def _bytes(column: Any) -> list[bytes | None]:
    """Return what the images' files hold."""
    return [None if row is None else row["bytes"] for row in column.to_pylist()]


def pyarrow() -> Any:
    """Return the module `pyarrow.parquet`; RuntimeError where it is not installed."""
    try:
        import pyarrow.parquet
    except ImportError:
        raise Failed(
            "parquet",
            expected="pyarrow, which reads it",
            got="none installed",
            fix="Run pip install 'nelbo[parquet]'.",
        ) from None
    return pyarrow.parquet
