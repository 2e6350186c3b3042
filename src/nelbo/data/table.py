"""Tables of numbers and categories, .csv."""

from __future__ import annotations

import csv
import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from nelbo.data.header import MOST, Header, coded, named
from nelbo.data.parts import Parts
from nelbo.errors import BadValue

_ENCODING = "utf-8-sig"
MEND = "Mend that place in the file; an empty cell is a missing value."
GAPS = ("", "NA", "N/A", "null", "NULL", "None")  # a missing value, as other programs write it
UNKNOWN = "?"  # a gap among numbers, but among words it may be one of them


def read_csv(path: Path) -> Parts:
    r"""Return a table of comma-separated numbers as float32 [rows, columns], with its header.

    A first line without a single number is a header. An empty cell is missing, NaN, and so is NA,
    N/A, null, NULL or None, and among numbers `?`. A column of few words, without a number,
    becomes their codes: 0, 1, ... in the order of the sorted words.

    Raises:
        ValueError: no rows, rows of different lengths, words among numbers, by line and column,
            or a column of more than 256 different words.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "two.csv"
        >>> _ = path.write_text("height,width\n1,2\n3,4\n")
        >>> read_csv(path).train.tolist()
        [[1.0, 2.0], [3.0, 4.0]]
    """
    header = 0
    try:
        header = _header_lines(path)
        return Parts(_parse(path, header, None), header=Header(_names(path, header)))
    except BadValue:
        raise
    except UnicodeDecodeError as error:
        got, fix = f"byte {error.start} that is not", "Save it anew as CSV UTF-8."
        raise BadValue(str(path), expected="text in UTF-8", got=got, fix=fix) from None
    except (OSError, csv.Error) as error:
        raise _bad(str(path), "comma-separated text", error) from None
    except ValueError:
        return _with_words(path, header)


def read_cells(path: Path) -> list[list[str]]:
    """Return the cells of a table that `read_csv` reads, as they stand there, without a header."""
    rows = [row for _, row in _rows(path)]
    return rows[1:] if _header_lines(path) else rows


def _names(path: Path, header: int) -> tuple[str, ...]:
    """Return the names in a table's header; none where it has none."""
    return tuple(cell.strip() for cell in next(_rows(path))[1]) if header else ()


def _header_lines(path: Path) -> int:
    line, cells = next(_rows(path), (0, []))
    said = [cell for cell in cells if cell.strip() not in (*GAPS, UNKNOWN)]
    return 0 if any(map(_is_number, said)) or (cells and not said) else line


def _with_words(path: Path, header: int) -> Parts:
    """Return a table that is not all numbers: what is none is empty, or a column of words."""
    names = _names(path, header)
    columns = _look(path, header > 0)
    words = {i: found for i, c in enumerate(columns) if (found := c.words(path, names, i))}
    cells: dict[int | str, Callable[[str], float]] = {
        i: _coding(words[i]) if i in words else _number_or_gap for i in range(len(columns))
    }
    try:
        return Parts(_parse(path, header, cells), header=Header(names, words))
    except BadValue:
        raise
    except ValueError as error:
        raise _bad(str(path), "a table of numbers", str(error).splitlines()[0]) from None


def _number_or_gap(cell: str) -> float:
    if "_" in cell:  # which Python takes for a digit separator
        raise ValueError(f"could not convert string '{cell}' to float32")
    return math.nan if cell.strip() in (*GAPS, UNKNOWN) else float(cell)


def _coding(words: Sequence[str]) -> Callable[[str], float]:
    codes = {word: float(code) for code, word in enumerate(words)}
    return lambda cell: codes.get(cell.strip(), math.nan)


def _parse(
    path: Path, skip: int, cells: dict[int | str, Callable[[str], float]] | None
) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)  # "input contained no data"
        try:
            return np.loadtxt(
                path,
                np.float32,
                comments=None,
                delimiter=",",
                skiprows=skip,
                ndmin=2,
                encoding=_ENCODING,
                quotechar='"',
                converters=cells,
            )
        except UserWarning:
            got = "a header alone" if skip else "an empty file"
            fix = "Save the table in it first."
            raise BadValue(
                str(path), expected="at least one row of numbers", got=got, fix=fix
            ) from None


@dataclass
class _Column:
    """What a look at a column found."""

    numbers: int = 0
    rows: int = 0  # in which a word stands
    unknown: bool = False  # whether `?` stands in one
    first: tuple[int, str] = (0, "")  # line and cell of the first word
    found: set[str] = field(default_factory=set)

    def add(self, line: int, cell: str) -> None:
        """Take note of a cell that is no gap."""
        if cell.strip() == UNKNOWN:
            self.unknown = True
            return
        if _is_number(cell):
            self.numbers += not math.isnan(float(cell))
            return
        self.first = self.first if self.rows else (line, cell)
        self.rows += 1
        if len(self.found) <= MOST:
            self.found.add(cell.strip())

    def words(self, path: Path, names: Sequence[str], column: int) -> tuple[str, ...]:
        """Return its words in order, none of numbers; ValueError where it is neither."""
        if not self.rows:
            return ()
        line, cell = self.first
        other = next((mark for mark in ";\t|" if mark in cell), None)
        if self.numbers or (other and len(names) <= 1):
            separated = f"Separate its columns by commas, not by {other!r}."
            raise BadValue(
                f"{path}, line {line}, column {named(names, column)}",
                expected="a number",
                got=f"'{cell[:40]}'",
                fix=MEND if self.numbers else separated,
            )
        found = self.found | {UNKNOWN} if self.unknown else self.found
        return coded(found, f"{path}, column {named(names, column)}")


def _look(path: Path, header: bool) -> list[_Column]:
    """Return what the columns hold; ValueError for the first row of another length."""
    rows = _rows(path)
    width = len(next(rows)[1]) if header else None
    columns: list[_Column] = []
    for line, row in rows:
        width = width or len(row)
        if len(row) != width:
            raise _bad(f"{path}, line {line}", f"{width} cells, as before", len(row))
        columns = columns or [_Column() for _ in range(width)]
        for column, cell in zip(columns, row, strict=True):
            if cell.strip() not in GAPS:
                column.add(line, cell)
    return columns


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    with path.open(newline="", encoding=_ENCODING) as file:
        reader = csv.reader(file)
        yield from ((reader.line_num, row) for row in reader if row)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _bad(what: str, expected: str, got: object) -> BadValue:
    return BadValue(
        what,
        expected=expected,
        got=got,
        fix=MEND,
    )
