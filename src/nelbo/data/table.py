"""Tables of numbers, .csv."""

from __future__ import annotations

import csv
import math
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from nelbo.data.parts import Parts
from nelbo.errors import BadValue

_ENCODING = "utf-8-sig"


def read_csv(path: Path) -> Parts:
    r"""Return a table of comma-separated numbers as float32 [rows, columns].

    A first line without a single number is a header, and left out. An empty cell is missing, NaN.

    Raises:
        ValueError: no rows, rows of different lengths, or a cell that is not a number, by line
            and column.

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
        return Parts(_parse(path, header, None))
    except BadValue:
        raise
    except UnicodeDecodeError as error:
        raise _bad(str(path), "text in UTF-8", f"byte {error.start} that is not") from None
    except (OSError, csv.Error) as error:
        raise _bad(str(path), "comma-separated text", error) from None
    except ValueError:
        return Parts(_with_gaps(path, header))


def column_names(path: Path) -> list[str]:
    """Return the names in a table's header; none where it has none."""
    return [cell.strip() for cell in next(_rows(path))[1]] if _header_lines(path) else []


def _header_lines(path: Path) -> int:
    line, cells = next(_rows(path), (0, []))
    said = [cell for cell in cells if cell.strip()]
    return 0 if any(map(_is_number, said)) or (cells and not said) else line


def _with_gaps(path: Path, header: int) -> np.ndarray:
    """Return a table that is not all numbers, if what is no number is empty."""
    _raise_first(path, header > 0)
    try:
        return _parse(path, header, _number_or_gap)
    except BadValue:
        raise
    except ValueError as error:
        raise _bad(str(path), "a table of numbers", str(error).splitlines()[0]) from None


def _number_or_gap(cell: str) -> float:
    if "_" in cell:  # which Python takes for a digit separator
        raise ValueError(f"could not convert string '{cell}' to float32")
    return float(cell) if cell.strip() else math.nan


def _parse(path: Path, skip: int, cell: Callable[[str], float] | None) -> np.ndarray:
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
                converters=cell,  # pyright: ignore[reportArgumentType] - one for all columns
            )
        except UserWarning:
            raise _bad(str(path), "at least one row of numbers", "none") from None


def _raise_first(path: Path, header: bool) -> None:
    """Raise ValueError for the first bad row or cell."""
    rows = _rows(path)
    width = len(next(rows)[1]) if header else None
    for line, row in rows:
        width = width or len(row)
        for column, cell in enumerate(row, start=1):
            if cell.strip() and not _is_number(cell):
                raise _bad(
                    f"{path}, line {line}, column {column}",
                    "a number",
                    f"'{cell[:40]}'",
                )
        if len(row) != width:
            raise _bad(f"{path}, line {line}", f"{width} cells, as before", len(row))


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
        fix="Mend that place in the file; an empty cell is a missing value.",
    )
