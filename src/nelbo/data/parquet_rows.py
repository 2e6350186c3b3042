"""`ParquetRows`: parquet files, read by row groups."""

from __future__ import annotations

import math
import threading
import warnings
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Int64, Shaped
from torch import Tensor

from nelbo.data.arrays import check_infinite, in_memory
from nelbo.data.header import MOST, coded, named
from nelbo.data.parquet_columns import Columns, choose, pyarrow, words_of
from nelbo.data.rows import Rows, digest
from nelbo.data.steady_file import SteadyFile
from nelbo.errors import BadValue, NelboWarning

WINDOW = 2**26  # bytes of row groups among which examples are shuffled


class _Group(NamedTuple):
    """A row group: its file, its number in it, and the first of its rows there."""

    file: int
    number: int
    first: int
    rows: int


class ParquetRows(Rows):
    """The examples of parquet files: a column of images or of vectors, or columns of numbers.

    A file gives whole row groups only. Shuffled, the row groups come in random order, and the
    examples of so many successive ones as make 64 MB in random order among them. Memory is
    bounded by twice this, or by this and the largest row group.

    Args:
        paths: the files, one after the other, with the same columns.

    Raises:
        RuntimeError: pyarrow is not installed.
        ValueError: no file, no parquet, no rows, other columns than in the first file, or columns
            that leave open which is meant.
    """

    def __init__(self, paths: Sequence[str | PathLike[str]]) -> None:
        if not paths:
            raise BadValue("paths", expected="at least one file", got="none", fix="Name it.")
        self._files = [SteadyFile.now(Path(path)) for path in paths]
        self._headers = [_header(file) for file in self._files]
        schema = self._headers[0].schema.to_arrow_schema()
        self.columns = choose(schema, str(paths[0]))
        self._check_alike(schema)
        self._groups = list(_groups(self._headers))
        if not self._groups:
            got, fix = "none", "Check how it was written."
            raise BadValue(str(paths[0]), expected="at least one row", got=got, fix=fix)
        self._ends = torch.tensor([group.rows for group in self._groups]).cumsum(0)
        self.columns = self._with_words(self.columns)
        like = self._array(self._table(0, self.columns.names), 0, np.zeros(1, np.int64))
        first = in_memory(like, str(paths[0]))
        self.shape, self.dtype = (int(self._ends[-1]), *first.shape[1:]), first.dtype
        self._sizes = [self._size(group) for group in self._groups]
        self._kept: OrderedDict[int, Any] = OrderedDict()
        # a window and what reaches into it: were it less, each batch would read them anew
        self._most = WINDOW + max(WINDOW, *self._sizes)
        self._held, self._lock = 0, threading.Lock()

    def labels(self) -> np.ndarray | None:
        """Return the class of each example, where there is such a column; ValueError for gaps."""
        name = self.columns.label
        if name is None:
            return None
        found = []
        for g, group in enumerate(self._groups):
            rows = group.first + np.arange(group.rows)
            found.append(self.columns.classes(self._table(g, [name]), str(self._path(group)), rows))
        return np.concatenate(found)

    def _with_words(self, columns: Columns) -> Columns:
        """Return the columns with the words of those of text, in one pass over them alone."""
        found: dict[str, set[str]] = {name: set() for name in columns.texts}
        for g in range(len(self._groups) if found else 0):
            wanted = [name for name in found if len(found[name]) <= MOST]
            table = self._table(g, wanted)
            for name in wanted:
                found[name] |= words_of(table.column(name))
        path = self._files[0].path
        words = {
            name: coded(some, f"{path}, column {named(columns.names, columns.names.index(name))}")
            for name, some in found.items()
        }
        return replace(columns, words=words)

    def read(self, numbers: Int64[Tensor, " b"]) -> Shaped[Tensor, " b *shape"]:
        """Return the examples of these numbers, in this order; see `Rows.read`."""
        found = torch.empty(len(numbers), *self.shape[1:], dtype=self.dtype)
        groups, places = torch.searchsorted(self._ends, numbers, right=True).sort(stable=True)
        each, counts = groups.unique_consecutive(return_counts=True)
        parts = zip(each.tolist(), places.split(counts.tolist()), strict=True)
        with self._lock:
            # those that are there still come first: the next one may take their place
            for g, place in sorted(parts, key=lambda part: part[0] not in self._kept):
                found[place] = self._rows(g, numbers[place])
        return found

    def identity(self) -> str:
        """Return the SHA-256 of 64 blocks of each file and its end, which describes it."""
        return digest(piece for file in self._files for piece in file.sampled(0, file.size))

    def shuffled(self, numbers: Int64[Tensor, " n"], order: torch.Generator) -> Int64[Tensor, " n"]:
        """Return a permutation of 0..n-1: row groups at random, examples among a few of them."""
        groups = torch.randperm(len(self._groups), generator=order)
        ends = torch.tensor(self._sizes, dtype=torch.int64)[groups].cumsum(0)
        window = torch.empty_like(groups)
        window[groups] = (ends - 1) // WINDOW
        mixed = torch.randperm(len(numbers), generator=order)
        of = window[torch.searchsorted(self._ends, numbers[mixed], right=True)]
        return mixed[of.sort(stable=True).indices]

    def warn_if_coarse(self) -> None:
        """Warn of row groups that take more memory than they should, as each is read whole."""
        size, group = max(zip(self._sizes, self._groups, strict=True))
        if size > 2 * WINDOW:
            text = f"{size / 1e6:,.0f} MB, all of it in memory at once"
            rows = max(1, group.rows * WINDOW // size)
            warnings.warn(
                NelboWarning(
                    f"{self._path(group)}: a row group of {text}: write it with "
                    f"row_group_size={rows}."
                ),
                stacklevel=4,
            )

    def _rows(self, g: int, numbers: Int64[Tensor, " b"]) -> Tensor:
        group = self._groups[g]
        rows = (numbers - self._ends[g] + group.rows).numpy()
        array = self._array(self._whole(g), g, rows)
        if array.shape[1:] != self.shape[1:]:
            raise BadValue(
                f"{self._path(group)}, row {group.first + int(rows[0])}",
                expected=f"shape {list(self.shape[1:])}, as in the first row",
                got=f"{list(array.shape[1:])}",
                fix="Resize or cut every example to one shape.",
            )
        if self.dtype == torch.float32:
            with np.errstate(over="ignore"):  # what overflows is infinite, and reported as such
                array = array.astype(np.float32, copy=False)
        found = torch.tensor(array)
        check_infinite(found, str(self._path(group)), numbers)
        return found

    def _array(self, table: Any, g: int, rows: np.ndarray) -> np.ndarray:
        group = self._groups[g]
        return self.columns.array(table.take(rows), str(self._path(group)), group.first + rows)

    def _whole(self, g: int) -> Any:
        """Return a row group, which is kept for the next batch."""
        if g not in self._kept:
            while self._kept and self._held + self._sizes[g] > self._most:
                self._held -= self._sizes[self._kept.popitem(last=False)[0]]
            self._kept[g] = self._table(g, self.columns.names)
            self._held += self._sizes[g]
        self._kept.move_to_end(g)
        return self._kept[g]

    def _table(self, g: int, columns: Sequence[str]) -> Any:
        group, parquet = self._groups[g], pyarrow()
        file, header = self._files[group.file], self._headers[group.file]
        with file.opened() as opened:
            try:
                source = parquet.ParquetFile(opened, metadata=header)
                return source.read_row_group(group.number, columns=[*columns], use_threads=False)
            except (ValueError, OSError) as error:
                raise _bad(file.path, f"{error}, in row group {group.number}") from None

    def _size(self, group: _Group) -> int:
        """Return about how many bytes a row group takes when it is read."""
        if self.columns.kind == "image":  # as they are in the file
            return self._headers[group.file].row_group(group.number).total_byte_size
        values = group.rows * math.prod(self.shape[1:])
        return max(1, values * (1 if self.dtype == torch.uint8 else 8))

    def _path(self, group: _Group) -> Path:
        return self._files[group.file].path

    def _check_alike(self, schema: Any) -> None:
        names = [*self.columns.names, *([self.columns.label] if self.columns.label else [])]
        for file, header in zip(self._files, self._headers, strict=True):
            other = header.schema.to_arrow_schema()
            for name in names:
                got = other.field(name).type if name in other.names else "none"
                if got != schema.field(name).type:
                    raise BadValue(
                        f"{file.path}, column '{name}'",
                        expected=f"{schema.field(name).type}, as in {self._files[0].path}",
                        got=got,
                        fix="Write all files with the same columns.",
                    )


def _groups(headers: Sequence[Any]) -> Iterator[_Group]:
    for file, header in enumerate(headers):
        first = 0
        for number in range(header.num_row_groups):
            rows = header.row_group(number).num_rows
            if rows:
                yield _Group(file, number, first, rows)
            first += rows


def _header(file: SteadyFile) -> Any:
    parquet = pyarrow()
    with file.opened() as opened:
        try:
            return parquet.read_metadata(opened)
        except (ValueError, OSError) as error:
            raise _bad(file.path, error) from None


def _bad(path: Path, error: object) -> BadValue:
    return BadValue(
        str(path),
        expected="a complete parquet file",
        got=(str(error).splitlines() or ["nothing"])[0].rstrip("."),
        fix="Copy it again, or write it anew.",
    )
