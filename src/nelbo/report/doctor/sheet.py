"""`Sheet`: what the doctor found, in the order in which it is read; no layout yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from nelbo.doctor import Finding, Forecast

Kind = Literal["error", "warning", "info", "ok", "learns", "marginal", "collapses"]


@dataclass(frozen=True)
class Mark:
    """A verdict: what it is for colour and sign, and the words that stand beside them."""

    kind: Kind
    word: str


@dataclass(frozen=True)
class Row:
    """A line of a table; `parts` is one number for each latent, shown as bars below it."""

    cells: tuple[str, ...]
    parts: tuple[float, ...] = ()


@dataclass(frozen=True)
class Numbers:
    """A table of strings.

    Attributes:
        heading: its title.
        columns: the heads; a head that begins with `>` is of a column of numbers.
        rows: the lines.
        essential: the number of columns for which a terminal has room.
        note: what has to be known to read it.
        each: the head of the bars.
    """

    heading: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    essential: int
    note: str = ""
    each: str = ""

    def numeric(self, i: int) -> bool:
        """Return whether a column holds numbers."""
        return self.columns[i].startswith(">")

    def head(self, i: int) -> str:
        """Return the head of a column."""
        return self.columns[i].removeprefix(">")


@dataclass(frozen=True)
class Foretold:
    """A forecast, in words and numbers."""

    forecast: Forecast
    mark: Mark
    sentence: str
    numbers: Numbers


@dataclass(frozen=True)
class Sheet:
    """All that the terminal and the page show.

    Attributes:
        command: such as `"nelbo audit"`.
        subject: what was looked at.
        about: on what data, with what settings.
        ok: whether the command succeeds.
        mark: the verdict.
        headline: the answer in one sentence; where there is a lead, how its cause begins.
        rest: the rest of that cause.
        lead: the finding that comes first, None where nothing is wrong.
        others: the other findings, by severity.
        tables: the numbers.
        foretold: the forecast, where there is one.
        made: how all this was made, by name.
    """

    command: str
    subject: str
    about: tuple[str, ...]
    ok: bool
    mark: Mark
    headline: str
    rest: str = ""
    lead: Finding | None = None
    others: tuple[Finding, ...] = ()
    tables: tuple[Numbers, ...] = ()
    foretold: Foretold | None = None
    made: Mapping[str, Any] = field(default_factory=dict)
