"""`Header`: what the columns of a table are called, and the words that their codes stand for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nelbo.errors import BadValue, nearest

MOST = 256  # different words of a column, as many as a categorical likelihood takes of a byte
OFTEN = 4  # rows a word stands in, on average: names and dates stand in one
SHOWN = 3  # words in a message


@dataclass(frozen=True)
class Header:
    """The names of a table's columns, and the words of those that are of text.

    In the data a word is its code: its place among the sorted words of its column, from 0 on.

    Args:
        names: of the columns; none where the file has none.
        words: by the number of a column, its words in the order of their codes.

    Example:
        >>> header = Header(("age", "colour"), {1: ("blue", "red")})
        >>> header.cells([41.5, 1.0])
        ['41.5', 'red']
        >>> Header.of(header.record()) == header
        True
    """

    names: tuple[str, ...] = ()
    words: Mapping[int, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, record: Mapping[str, Any] | None) -> Header:
        """Return the header of a record; an empty one of None."""
        if record is None:
            return cls()
        words = {int(column): tuple(found) for column, found in record["words"].items()}
        return cls(tuple(record["names"]), words)

    def record(self) -> dict[str, Any]:
        """Return what `of` makes the header from, for JSON."""
        words = {str(column): list(found) for column, found in self.words.items()}
        return {"names": list(self.names), "words": words}

    def without(self, columns: Collection[int]) -> Header:
        """Return the header of the other columns."""
        count = max(len(self.names), 1 + max(self.words, default=-1))
        return self.take([i for i in range(count) if i not in columns])

    def take(self, columns: Sequence[int]) -> Header:
        """Return the header of some of the columns."""
        names = tuple(self.names[i] for i in columns) if self.names else ()
        return Header(names, {n: self.words[i] for n, i in enumerate(columns) if i in self.words})

    def cells(self, row: Iterable[Any]) -> list[str]:
        """Return a row of numbers as a table has it: codes as words, and nothing for NaN."""
        return [self._cell(column, value) for column, value in enumerate(row)]

    def filled(self, row: Iterable[Any], there: Iterable[str], gaps: Iterable[Any]) -> list[str]:
        """Return a row of a file with its gaps filled in; what was there stays as it stands.

        Args:
            row: the numbers, as for `cells`.
            there: the row's cells in the file.
            gaps: which of them are missing.

        Example:
            >>> Header().filled([7.0, 44.0], ["", "44.0"], [True, False])
            ['7', '44.0']
        """
        each = zip(self.cells(row), there, gaps, strict=True)
        return [new if gap else old for new, old, gap in each]

    def recoded(self, codes: np.ndarray, here: Header, what: str) -> np.ndarray:
        """Return a table that was read with another header, in the codes of this one.

        Args:
            codes: the table, [n, columns].
            here: its own header.
            what: the table's name in error messages.

        Raises:
            ValueError: other columns, a word that is not known, or text in other columns.

        Example:
            >>> known, here = Header((), {0: ("a", "b", "c")}), Header((), {0: ("a", "c")})
            >>> known.recoded(np.array([[0.0], [1.0]]), here, "t.csv").tolist()
            [[0.0], [2.0]]
        """
        self.check_alike(here, what)
        changed = codes.copy()
        for column, words in here.words.items():
            places = np.array([self.words[column].index(word) for word in words], codes.dtype)
            there = ~np.isnan(codes[:, column])
            changed[there, column] = places[codes[there, column].astype(int)]
        return changed

    def check_categories(self, codes: np.ndarray, what: str) -> None:
        """Raise ValueError for words that stand in few rows, as names, dates and free text do."""
        for column, words in self.words.items():
            rows = int((~np.isnan(codes[:, column])).sum())
            if len(words) > rows // OFTEN:
                plural = "s" * (len(words) != 1)
                got = f"{len(words)} different word{plural} in {rows:,} rows"
                raise _no_categories(words, got, f"{what}, column {named(self.names, column)}")

    def check_alike(self, other: Header, what: str) -> None:
        """Raise ValueError for a table that cannot be put in the codes of this header."""
        if self.names and other.names and self.names != other.names:
            raise BadValue(
                f"columns of {what}",
                expected=f"those of the training data, {_listed(self.names)}",
                got=_listed(other.names),
                fix="Bring them into that order, under those names.",
            )
        for column, words in other.words.items():
            known = self.words.get(column, ())
            strange = [word for word in words if word not in known]
            if strange:
                raise BadValue(
                    f"{what}, column {named(self.names, column)}",
                    expected="the words of the training data" if known else "numbers",
                    got=f"'{strange[0]}'",
                    fix=nearest(strange[0], known) if known else "Mend that column of the file.",
                )

    def _cell(self, column: int, value: Any) -> str:
        words = self.words.get(column)
        if np.isnan(value):
            return ""
        if words is None:
            return str(value).removesuffix(".0")  # as few digits as tell it
        return words[min(max(round(float(value)), 0), len(words) - 1)]


def coded(words: Collection[str], what: str) -> tuple[str, ...]:
    """Return the words of a column in the order of their codes.

    Args:
        words: the different ones; those beyond `MOST` may be left out.
        what: the column's name in error messages.

    Raises:
        ValueError: too many for categories.
    """
    if len(words) > MOST:
        raise _no_categories(words, f"more than {MOST} different words", what)
    return tuple(sorted(words))


def named(names: Sequence[str], column: int) -> str:
    """Return a column as messages call it.

    Example:
        >>> named(("age", "colour"), 1), named((), 1)
        ("2 'colour'", '2')
    """
    return f"{column + 1}" + (f" '{names[column]}'" if names else "")


def _no_categories(words: Collection[str], got: str, what: str) -> BadValue:
    return BadValue(
        what,
        expected="numbers, or few words that stand in many rows each, as categories do",
        got=f"{got}, such as " + ", ".join(f"'{word[:40]}'" for word in sorted(words)[:SHOWN]),
        fix="Leave that column out of the file, or put numbers in the place of its words.",
    )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)[:200]
