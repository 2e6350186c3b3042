"""`compare.png`: the page as one static picture, for a README."""

from __future__ import annotations

from pathlib import Path

from nelbo.compare.results import Comparison
from nelbo.files import write_atomically
from nelbo.report import picture_rows as rows
from nelbo.report import spectrum, story, table, training
from nelbo.report.canvas import CJK, EDGE, INNER, Canvas, installed
from nelbo.report.words import Words
from nelbo.report.wrapping import balanced

COLUMNS = ("loss", "verdict", "variance", "margin", "active", "kl", "error", "bound")
SHARES = (0.285, 0.125, 0.085, 0.085, 0.095, 0.095, 0.105, 0.125)  # of the width, for each column


def write(comparison: Comparison, path: str | Path, lang: str = "en") -> None:
    """Write the picture, whole or not at all.

    Chinese needs a font; where none of the common ones is installed the text is English.

    Args:
        comparison: what `compare` returned.
        path: where to, customarily `compare.png`.
        lang: `"en"` or `"zh"`.

    Raises:
        ValueError: a language without strings.
    """
    words = Words(lang, comparison)
    if lang == "zh" and not installed(CJK):
        words = Words("en", comparison)
    write_atomically(Path(path), _draw(comparison, words))


def _draw(c: Comparison, words: Words) -> bytes:
    canvas, y = Canvas(), EDGE + 22
    y = _answer(canvas, story.answer(c, words).replace("`", ""), y)
    y = rows.draw(canvas, c, y + 6, words)
    for refused in c.refused:
        note = f"{refused.name}: {words('verdict.refused')}. {refused.reason}"
        y = _paragraph(canvas, note, y + 14, 11, "quiet") - 10
    if c.rows:
        y = _spectrum(canvas, c, y + 44, words)
        y = _table(canvas, c, y + 40, words)
        y = _training(canvas, c, y + 40, words)
    return canvas.png(y + EDGE)


def _answer(canvas: Canvas, text: str, y: float) -> float:
    """Write it in two lines, where that is possible without small print."""
    sizes = (21.0, 20.0, 19.0, 18.0)
    fit = (size for size in sizes if canvas.width(text, size, "strong") < 1.92 * INNER)
    return _paragraph(canvas, text, y, next(fit, sizes[-1]), "strong")


def _paragraph(canvas: Canvas, text: str, y: float, size: float, style: str) -> float:
    for line in balanced(text, INNER, lambda part: canvas.width(part, size, style)):
        canvas.text((EDGE, y), line, size, style)
        y += 1.4 * size
    return y


def _spectrum(canvas: Canvas, c: Comparison, y: float, words: Words) -> float:
    chart = spectrum.draw(c, words, INNER, 290)
    if chart is None:
        return y - 44
    canvas.text((EDGE, y), words("chart.heading"), 16, "strong")
    canvas.drawing(chart, (EDGE, y + 12))
    return y + 12 + chart.height


def _table(canvas: Canvas, c: Comparison, y: float, words: Words) -> float:
    columns = {column.key: column for column in table.columns(c, words)}
    ends = [EDGE + INNER * sum(SHARES[: i + 1]) for i in range(len(SHARES))]
    starts = [EDGE, *ends[:-1]]
    for key, start, end in zip(COLUMNS, starts, ends, strict=True):
        column = columns[key]
        at, style = ((end, y), "right") if column.numeric else ((start, y), "left")
        canvas.text(at, column.head, 11.5, f"strong {style}")
        canvas.text((at[0], y + 15), column.unit, 9.5, f"quiet {style}")
    y += 24
    for row in c.rows:
        canvas.line(((EDGE, y), (EDGE + INNER, y)), "rule")
        cells = table.cells(row, words)
        for key, end in zip(COLUMNS[2:], ends[2:], strict=True):
            error = f" ± {cells['se'].text}" if key == "bound" else ""
            canvas.text((end, y + 18), cells[key].text + error, 11.5, "right")
            canvas.text((end, y + 31), cells[key].note, 9.5, "quiet right")
        canvas.text(
            (EDGE, y + 18), row.name, canvas.fit(row.name, ends[0] - EDGE - 8, 11, "mono"), "mono"
        )
        rows.verdict(canvas, row, (starts[1], y + 18), words)
        y += 38
    notes = [story.measured(c, words)]
    notes += [words("note.base")] if len({row.base_measure for row in c.rows}) > 1 else []
    for note in notes:
        y = _paragraph(canvas, note, y + 11, 10.5, "quiet") - 7
    return y


def _training(canvas: Canvas, c: Comparison, y: float, words: Words) -> float:
    panels = training.panels(c)
    if not panels:
        return y - 40
    canvas.text((EDGE, y), words("training.heading"), 16, "strong")
    across = 3
    step = (INNER + 16) / across
    scale = (step - 16) / training.WIDTH
    y += 26
    for i, panel in enumerate(panels):
        line, column = divmod(i, across)
        x, top = EDGE + column * step, y + line * (training.HEIGHT * scale + 34)
        room = step - 24
        canvas.text(
            (x, top),
            panel.row.name,
            canvas.fit(panel.row.name, room, 11, "mono strong"),
            "mono strong",
        )
        canvas.drawing(training.draw(panel, words), (x, top + 10), scale)
    return y + -(-len(panels) // across) * (training.HEIGHT * scale + 34) - 20
