"""The numbers as a table of strings: one definition for the page, the picture and the terminal."""

from __future__ import annotations

import math
from dataclasses import dataclass

from nelbo.compare.results import Comparison, Row
from nelbo.report import facts, format
from nelbo.report.words import Words


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        key: which number.
        head: its name.
        unit: its unit, which stands in the header.
        short: the same for a terminal.
        numeric: whether it is right-aligned.
    """

    key: str
    head: str
    unit: str = ""
    short: str = ""
    numeric: bool = True


@dataclass(frozen=True)
class Cell:
    """One cell: what is shown, what it sorts by, and a word after the number."""

    text: str
    sort: float | str
    note: str = ""


def columns(c: Comparison, words: Words) -> list[Column]:
    """Return the columns, in order."""
    nats, latent = words("table.nats"), facts.latents(c)
    active = words("table.active.unit", latent=latent) if latent else words("table.active.plain")
    of = words("table.active.short", latent=latent) if latent else ""
    constant = {"constant": format.three(c.total_variance)}
    error = (words("table.error.unit", **constant), words("table.error.short", **constant))
    square = (words("table.variance.unit"), words("table.variance.short"))
    return [
        Column("loss", words("table.loss"), numeric=False),
        Column("verdict", words("table.verdict"), numeric=False),
        Column("variance", words("table.variance"), *square),
        Column("margin", words("table.margin"), words("table.margin.unit"), "λ/β"),
        Column("active", words("table.active"), active, of),
        Column("reconstruction", words("table.reconstruction"), nats, "nats"),
        Column("kl", words("table.kl"), nats, "nats"),
        Column("error", words("table.error"), *error),
        Column("bound", words("table.bound"), nats, nats),
        Column("se", words("table.se"), nats, nats),
    ]


def cells(row: Row, words: Words) -> dict[str, Cell]:
    """Return a row's cells by the key of their column."""
    bound = row.estimates.get("importance_bound") or row.estimates.get("elbo")
    learned = words("table.learned") if row.variance_source == "learned" else ""
    error = bound.standard_error if bound else math.nan
    value = _number(bound.value if bound else None)
    return {
        "loss": Cell(row.name, row.name),
        "verdict": Cell(words(f"verdict.{row.verdict}"), row.verdict),
        "variance": Cell(facts.variance(row), _sortable(row.variance), learned),
        "margin": _number(row.margin),
        "active": Cell(facts.active(row), _sortable(facts.value(row, "active_units"))),
        "reconstruction": _number(facts.value(row, "reconstruction")),
        "kl": _number(facts.value(row, "kl")),
        "error": _number(facts.value(row, "squared_error")),
        "bound": Cell(value.text, value.sort, base(row, words)),
        "se": Cell(format.two(error), _sortable(error)),
    }


def base(row: Row, words: Words) -> str:
    """Return the base measure of a row's bound in words."""
    key = f"base.{row.base_measure}"
    return words(key) if words.has(key) else row.base_measure


def _number(x: float | None) -> Cell:
    return Cell(format.three(x), _sortable(x))


def _sortable(x: float | None) -> float | str:
    return x if x is not None and math.isfinite(x) else ""
