"""Tables and images in parquet files."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from nelbo.data import rows
from nelbo.data.parquet_rows import ParquetRows
from nelbo.data.parts import Parts
from nelbo.errors import BadValue

_SETS = ("train", "test")
_SET = re.compile(r"(train|test)(?![a-z])")


def read_parquet(path: Path) -> Parts:
    """Return the examples of a parquet file, or of all in a folder, sorted by name.

    They are the column named image, x, data or features, or the only one of images (a struct
    with `bytes`) or vectors (a list of one length), with the integers of label, labels or y as
    classes; else all columns, of numbers or of few words, are the features, as of a .csv. If the
    name of every file, or of a subfolder that it lies in, begins with `train` or `test`, these are
    the two sets. Where they are large, row groups are read when they are wanted.

    Raises:
        RuntimeError: pyarrow is not installed.
        ValueError: what `ParquetRows` refuses, missing values, values that are not finite, or
            files of neither set beside those of both.
    """
    if path.is_file():
        return _read([path])
    files = find(path)
    named = [_set_of(file.relative_to(path)) for file in files]
    if not {*_SETS} <= {*named}:
        return _read(files)
    if None in named:  # to put all together would mix the test set into the training set
        raise BadValue(
            str(path),
            expected="files named train... or test... alone, where there are both",
            got=str(files[named.index(None)].relative_to(path)),
            fix="Move it elsewhere.",
        )
    train, test = ([f for f, n in zip(files, named, strict=True) if n == s] for s in _SETS)
    return _read(train, test)


def find(folder: Path) -> list[Path]:
    """Return the parquet files under a folder, sorted by name, hidden ones left out."""
    found = {p: p.relative_to(folder).parts for p in folder.rglob("*.parquet") if p.is_file()}
    shown = [p for p, parts in found.items() if not any(part.startswith(".") for part in parts)]
    return sorted(shown, key=lambda p: found[p])


def _set_of(file: Path) -> str | None:
    """Return which set a file belongs to: the outermost name that says it."""
    found = (_SET.match(part) for part in file.parts)
    return next((match[1] for match in found if match), None)


def _read(*sets: Sequence[Path]) -> Parts:
    """Return one or two sets, their words under the same codes."""
    found = [ParquetRows(paths) for paths in sets]
    words = found[0].columns.words
    for other in found[1:]:
        theirs = other.columns.words
        words = {name: sorted({*words.get(name, ()), *w}) for name, w in theirs.items()}
    for each in found:
        each.columns = replace(each.columns, words={n: tuple(w) for n, w in words.items()})
    train, labels = _held(found[0])
    test, test_labels = _held(found[1]) if len(found) > 1 else (None, None)
    return Parts(train, labels, test, test_labels, header=found[0].columns.header)


def _held(found: ParquetRows) -> tuple[ParquetRows | Tensor, np.ndarray | None]:
    """Return the examples and their labels, in memory where they are few."""
    labels = found.labels()
    if math.prod(found.shape) * found.dtype.itemsize <= rows.STREAMED:
        return found.read(torch.arange(len(found))), labels
    found.warn_if_coarse()
    return found, labels
