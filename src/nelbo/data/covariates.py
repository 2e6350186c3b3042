"""Covariates from the data itself: its labels, or some columns of a table."""

from __future__ import annotations

import copy
import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import torch
from jaxtyping import Float32, Int64
from torch import Tensor

from nelbo import registry
from nelbo.data.beside import one_hot
from nelbo.data.examples import Examples
from nelbo.data.header import Header, named
from nelbo.data.indexed import Indexed
from nelbo.data.loading import Data, load
from nelbo.data.transforms import Standardise, Transform, as_transform
from nelbo.errors import BadValue, nearest

LABELS = "labels"
Record = Mapping[str, Any]


class WithCovariates(Indexed):
    """Examples as rows [data, covariates]; the transform is that of the data alone.

    Args:
        data: the examples.
        covariates: of each of them, [n, covariates].
        record: from which `load_with` makes them again.
    """

    def __init__(
        self, data: Indexed, covariates: Float32[Tensor, "n covariates"], record: Record
    ) -> None:
        self.data, self.covariates, self.record = data, covariates, record
        self.transform, self.labels, self.size = data.transform, data.labels, len(data)
        self.shape = (math.prod(data.shape) + covariates.shape[1],)

    def at(self, index: Int64[Tensor, " b"]) -> Float32[Tensor, " b row"]:
        """Return the rows of indices 0..n-1."""
        x = self.data.at(index).flatten(1)
        return torch.cat((x, self.covariates[index].to(x.device)), dim=1)

    def flattened(self) -> WithCovariates:
        """Return the same rows, which are vectors."""
        return self

    def identity(self) -> str:
        """Return what tells the stored data and covariates from others."""
        return self.data.identity() + Examples(self.covariates.nan_to_num(-1.0)).identity()

    def _taken(self, index: Int64[Tensor, " b"]) -> WithCovariates:
        some = copy.copy(self)
        some.data, some.covariates = self.data.take(index), self.covariates[index]
        some.size = len(index)
        return some


def load_with(
    what: Any,
    covariates: Record | None,
    transform: Transform | str | None,
    header: Header | None = None,
) -> Data:
    r"""Return data of which each example has covariates beside it; see `load`.

    Columns of a table are standardised, bits apart, since networks begin with numbers about 1;
    the record of the training data's source says how.

    Args:
        what: as for `load`.
        covariates: `{"of": "labels"}`, or names or numbers (from 0 on) of columns, such as
            `{"of": "age,sex"}`, or the record of a source; None for no covariates.
        transform: of the data.
        header: of the table that a model was trained on; see `load`.

    Raises:
        ValueError: there are no labels, or no such columns, or one of more than two words.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> path = Path(tempfile.mkdtemp()) / "people.csv"
        >>> _ = path.write_text("height,age" + "\n1.7,30\n1.8,40" * 10)
        >>> load_with(path, {"of": "age"}, None).train[0]
        tensor([ 1.7..., -1.0...])
    """
    if covariates is None:
        return load(what, transform=transform, header=header)
    if covariates["of"] == LABELS:
        return _of_labels(load(what, transform=transform, header=header), covariates)
    return _of_columns(load(what, transform="raw", header=header), covariates, transform)


def values(text: str, record: Record) -> Float32[Tensor, " covariates"]:
    """Return covariates as a user states them: a class, or a number for each column.

    Raises:
        ValueError: other than that.

    Example:
        >>> values("2", {"of": "labels", "classes": 3})
        tensor([0., 0., 1.])
    """
    classes = record.get("classes")
    if classes is not None:
        if not text.strip().isdigit() or int(text) >= classes:
            expected = f"a class from 0 to {classes - 1}"
            raise BadValue("--covariates", expected=expected, got=f"'{text}'", fix="Try 0.")
        return one_hot(torch.tensor([int(text)]), classes)[0]
    words = Header.of({"names": [], "words": record.get("words", {})}).words
    columns = [name.strip() for name in record["of"].split(",")]
    try:
        stated = torch.tensor([_number(t, words.get(i)) for i, t in enumerate(text.split(","))])
    except ValueError:
        stated = torch.zeros(0)
    if len(stated) != len(columns) or not bool(stated.isfinite().all()):
        either = (f" ({columns[i]}: {' or '.join(found)})" for i, found in words.items())
        raise BadValue(
            "--covariates",
            expected=f"a number for each of {record['of']}" + "".join(either),
            got=f"'{text}'",
            fix="Separate them by commas.",
        )
    return as_transform(record["transform"])(stated[None])[0]


def _number(text: str, words: tuple[str, ...] | None) -> float:
    """Return a number, or the code of one of the words."""
    found = text.strip()
    return float(words.index(found)) if words and found in words else float(text)


def _of_labels(found: Data, record: Record) -> Data:
    both = [labels for labels in (found.train.labels, found.test.labels) if labels is not None]
    if len(both) < 2:
        raise BadValue(
            f"labels of {found.name}",
            expected="a class for each example",
            got="none",
            fix="Name columns of a table, as --covariates age,sex; mnist has labels, and so may a "
            ".npz.",
        )
    classes = record.get("classes") or int(max(labels.max() for labels in both)) + 1
    record = {"of": LABELS, "classes": classes}
    first, second = (one_hot(labels, classes) for labels in both)
    return _with(found, first, second, record)


def _of_columns(whole: Data, record: Record, transform: Transform | str | None) -> Data:
    train, test = whole.train, whole.test
    if not (isinstance(train, Examples) and isinstance(test, Examples)) or len(train.shape) != 1:
        raise BadValue(
            f"--covariates {record['of']}",
            expected="'labels', or columns of a table in memory",
            got=f"examples of shape {list(train.shape)}",
            fix="Use --covariates labels, or nelbo.data.beside in Python.",
        )
    header, count = whole.header, train.shape[0]
    chosen = [_column(word.strip(), header, count) for word in record["of"].split(",")]
    rest = [i for i in range(count) if i not in chosen]
    if not rest or len(set(chosen)) < len(chosen):
        expected = "each column once, and one left as data"
        fix = "Name fewer of them."
        raise BadValue("--covariates", expected=expected, got=record["of"], fix=fix)
    own, used = train.array[:, chosen].float(), as_transform(transform).fitted(train.array[:, rest])
    stated = record.get("transform")
    numbers = tuple(i for i, y in enumerate(own.T) if not bool(((y == 0) | (y == 1)).all()))
    scaled = as_transform(stated) if stated else Standardise(numbers).fitted(own)
    record = {"of": record["of"], "transform": registry.text(registry.spec(scaled))}
    record |= {"columns": chosen, **_words(header, chosen)}
    parts = dataclasses.replace(
        whole, train=Examples(train.array[:, rest], used), test=Examples(test.array[:, rest], used)
    )
    parts.train.header = parts.test.header = header.without(chosen)
    return _with(parts, scaled(own), scaled(test.array[:, chosen].float()), record)


def _with(found: Data, train: Tensor, test: Tensor, record: Record) -> Data:
    return dataclasses.replace(
        found,
        train=WithCovariates(found.train, train, record),
        test=WithCovariates(found.test, test, record),
    )


def _words(header: Header, chosen: list[int]) -> dict[str, Any]:
    """Return the words of covariates; ValueError for more than two, which have no order."""
    for column in chosen:
        words = header.words.get(column, ())
        if len(words) > 2:
            raise BadValue(
                f"--covariates, column {named(header.names, column)}",
                expected="columns of numbers, or of two words",
                got=f"{len(words)} words, which have no order",
                fix="Put a column of 0 and 1 for each of them into the file.",
            )
    kept = header.take(chosen)
    return {"words": kept.record()["words"]} if kept.words else {}


def _column(word: str, header: Header, count: int) -> int:
    """Return the number of a column, from 0 on, by its name or its number."""
    names = header.names
    if word in names:
        return names.index(word)
    if word.isdigit() and int(word) < count:
        return int(word)
    known = f"the name of a column, or a number from 0 to {count - 1}"
    fix = nearest(word, names) if names else "The first column is number 0."
    raise BadValue("--covariates", expected=known, got=f"'{word}'", fix=fix)
