"""`compare.html`: one page that needs nothing but itself."""

from __future__ import annotations

from pathlib import Path

from nelbo.compare.results import Comparison
from nelbo.files import write_atomically
from nelbo.report import evidence, facts, fixes, spectrum, story, table, training
from nelbo.report.drawing import Drawing
from nelbo.report.pages import environment, made
from nelbo.report.words import Words


def write(comparison: Comparison, path: str | Path, lang: str = "en") -> None:
    """Write the page, whole or not at all.

    Args:
        comparison: what `compare` returned.
        path: where to, customarily `compare.html`.
        lang: `"en"` or `"zh"`.

    Raises:
        ValueError: a language without strings.
    """
    write_atomically(Path(path), page(comparison, lang).encode())


def page(c: Comparison, lang: str = "en") -> str:
    """Return the page as text."""
    words = Words(lang, c)
    return environment().get_template("compare.html").render(
        c=c,
        w=words,
        lang=words("language"),
        answer=story.answer(c, words),
        reasons=story.reasons(c, words),
        evidence=evidence.gather(c, words),
        charts=_charts(c, words),
        chart_notes=_chart_notes(c, words),
        columns=table.columns(c, words),
        table=[(row, table.cells(row, words)) for row in c.rows],
        notes=story.notes(c, words),
        panels=[(p.row, training.draw(p, words)) for p in training.panels(c)],
        advice=story.advice(c, words),
        fixes=fixes.fixes(c, words),
        nelbo=fixes.nelbo_lines(c, facts.latents(c)),
        made=made(c.made, words),
    )  # fmt: skip


def _charts(c: Comparison, words: Words) -> dict[str, Drawing]:
    """Return the spectrum for a wide and for a narrow screen; nothing where data is constant."""
    sizes = {"wide": (1040, 400), "narrow": (360, 380)}
    found = {name: spectrum.draw(c, words, *size) for name, size in sizes.items()}
    return {name: chart for name, chart in found.items() if chart is not None}


def _chart_notes(c: Comparison, words: Words) -> list[str]:
    lines = [words("chart.reading"), words("chart.guide")]
    without = [row for row in c.rows if row.variance is None]
    if without:
        bernoulli = all("bernoulli" in row.likelihood for row in without)
        key = "chart.without" if bernoulli else "chart.without.other"
        lines.append(words(key, names=facts.code(without, words)))
    return lines
