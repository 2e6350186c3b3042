"""A sheet as one page that needs nothing but itself."""

from __future__ import annotations

from pathlib import Path

from nelbo.files import write_atomically
from nelbo.report.doctor import chart, fixing
from nelbo.report.doctor.evidence import shown
from nelbo.report.doctor.level import level
from nelbo.report.doctor.sheet import Sheet
from nelbo.report.drawing import Bar, Drawing
from nelbo.report.estimates import shares
from nelbo.report.format import three
from nelbo.report.pages import environment, made
from nelbo.report.words import Phrases

WIDE, NARROW = (1040, 380), (360, 340)


def write(sheet: Sheet, path: str | Path, lang: str = "en") -> None:
    """Write the page, whole or not at all.

    Args:
        sheet: what was found.
        path: where to.
        lang: `"en"` or `"zh"`.

    Raises:
        ValueError: a language without strings.
        RuntimeError: it cannot be written.
    """
    write_atomically(Path(path), page(sheet, lang).encode())


def page(sheet: Sheet, lang: str = "en") -> str:
    """Return the page as text."""
    words = Phrases(lang)
    return environment().get_template("doctor.html").render(
        s=sheet,
        w=words,
        lang=words("language"),
        charts=_charts(sheet, words),
        reading=_reading(sheet, words),
        shown=shown,
        pieces=fixing.pieces,
        bars=lambda parts: bars(parts, words),
        made=made(sheet.made, words),
    )  # fmt: skip


def bars(parts: tuple[float, ...], words: Phrases) -> Drawing:
    """Return one number a latent as bars, largest first."""
    step, height = min(10.0, 240.0 / len(parts)), 22.0
    count, (largest, smallest) = len(parts), (three(max(parts)), three(min(parts)))
    alt = words("doctor.measures.bars", count=count, largest=largest, smallest=smallest)
    drawn = Drawing(step * count, height, alt)
    for i, (part, share) in enumerate(zip(parts, shares(parts), strict=True)):
        tall = max(height * share, 1.0)
        drawn.add(Bar(i * step, height - tall, 0.8 * step, tall, "eigenvalue", three(part)))
    return drawn


def _charts(sheet: Sheet, words: Phrases) -> dict[str, Drawing]:
    """Return the spectrum for a wide and for a narrow screen; nothing where data is constant."""
    if sheet.foretold is None:
        return {}
    sizes, found = {"wide": WIDE, "narrow": NARROW}, sheet.foretold.forecast
    drawn = {name: chart.draw(found, words, *size) for name, size in sizes.items()}
    return {name: drawing for name, drawing in drawn.items() if drawing is not None}


def _reading(sheet: Sheet, words: Phrases) -> str:
    there = level(sheet.foretold.forecast) if sheet.foretold else None
    stated = there is not None and there.variance is not None
    return words("doctor.forecast.reading" + (".variance" if stated else ""))
