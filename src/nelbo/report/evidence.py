"""The evidence to the eye: the originals, and under them what each loss makes of them."""

from __future__ import annotations

from dataclasses import dataclass

from nelbo.compare.results import Comparison, Row
from nelbo.report import facts, format, tiles
from nelbo.report.tiles import Strip
from nelbo.report.words import Words, is_image


@dataclass(frozen=True)
class Shown:
    """One loss: its label, its two strips and their alternative texts."""

    row: Row
    what: str
    verdict: str
    margin: str
    reconstructions: Strip
    reconstructions_alt: str
    samples: Strip
    samples_alt: str


@dataclass(frozen=True)
class Evidence:
    """All of it."""

    originals: Strip
    originals_alt: str
    originals_note: str
    rows: list[Shown]
    scaled: str


def gather(c: Comparison, words: Words) -> Evidence:
    """Return the strips with their labels."""
    shown = _counts(c)
    return Evidence(
        tiles.strip(tiles.tiles(c.originals, c)),
        words("alt.originals" if c.labels else "alt.originals.plain", **shown),
        originals_label(c, words),
        [_row(c, row, words) for row in c.rows],
        scaled(c, words),
    )


def originals_label(c: Comparison, words: Words) -> str:
    """Return what the originals are: how many, of which classes."""
    return words(f"evidence.originals.{'labels' if c.labels else 'note'}", **_counts(c))


def scaled(c: Comparison, words: Words) -> str:
    """Return on what scale the pictures are, where it is not grey levels from 0 to 1."""
    low, high = tiles.value_range(c)
    if is_image(c.data_shape) and (low, high) == (0.0, 1.0):
        return ""
    return words("evidence.scaled", low=format.exact(low), high=format.exact(high))


def _counts(c: Comparison) -> dict[str, object]:
    labels = list(c.labels)
    run = len(labels) > 2 and labels == list(range(labels[0], labels[-1] + 1))
    text = f"{labels[0]}–{labels[-1]}" if run else ", ".join(map(str, labels))
    return {"shown": len(c.originals), "labels": text}


def _row(c: Comparison, row: Row, words: Words) -> Shown:
    samples = tiles.tiles(row.samples, c, tiles.SMALL)
    verdict = words(f"verdict.{row.verdict}")
    return Shown(
        row,
        facts.what(row, words),
        verdict,
        words("evidence.margin", margin=format.three(row.margin)),
        tiles.strip(tiles.tiles(row.reconstructions, c)),
        words(
            "alt.reconstructions",
            shown=len(row.reconstructions),
            name=row.name,
            verdict=verdict,
            error=format.three(facts.value(row, "squared_error")),
            constant=format.three(c.total_variance),
            deviation=format.three(facts.value(row, "output_deviation")),
        ),
        tiles.strip(samples, lines=2, side=tiles.SMALL),
        words(
            "alt.samples",
            shown=len(row.samples),
            name=row.name,
            verdict=verdict,
            active=facts.active(row),
            kl=format.three(facts.value(row, "kl")),
        ),
    )
