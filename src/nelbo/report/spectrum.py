"""The chart that says why: the data's variances as bars, each loss's variance as a line."""

from __future__ import annotations

import math

from nelbo.compare.results import Comparison, Row
from nelbo.report import axes, facts, format
from nelbo.report.axes import Place
from nelbo.report.drawing import Bar, Drawing, Label, Path
from nelbo.report.words import Phrases, Words

LEFT, RIGHT, TOP, BOTTOM = 56.0, 8.0, 12.0, 48.0  # margins
LINE = 18.0  # height of a line of text
MOST, FEWEST = 320, 40  # bars shown
NARROW = 600.0  # charts up to this width have short labels


def draw(c: Comparison, words: Words, width: float = 1040, height: float = 400) -> Drawing | None:
    """Return the chart, None where the data does not vary."""
    if not facts.top(c) > 0:
        return None
    rows = [row for row in c.rows if row.variance is not None]
    bars = sorted(c.spectrum, reverse=True)[: _shown(c, rows)]
    low, high = _range(bars, rows)
    y = axes.logarithmic(low, high, height - BOTTOM, TOP)
    chart = Drawing(width, height, _alt(c, rows, words))
    grid(chart, y, low, high, words("chart.y"))
    columns(chart, bars, y, words)
    across(chart, len(bars), len(c.spectrum), words)
    _lines(chart, c, rows, y, words)
    _top(chart, c, rows, y, words)
    return chart


def position(c: Comparison, row: Row, words: Words) -> str:
    """Return how many bars lie above a row's line, in words."""
    assert row.variance is not None
    above = facts.bars_above(c, row.variance)
    key = {0: "chart.none", 1: "chart.one"}.get(above, "chart.some")
    return words(key, count=format.count(above))


def _shown(c: Comparison, rows: list[Row]) -> int:
    variances = [row.variance for row in rows if row.variance is not None]
    above = facts.bars_above(c, min(variances, default=math.inf))
    return min(len(c.spectrum), MOST, max(FEWEST, math.ceil(1.15 * above)))


def _range(bars: list[float], rows: list[Row]) -> tuple[float, float]:
    values = [row.variance for row in rows if row.variance] + [b for b in bars if b > 0]
    high = max(values)
    low = max(min(values), bars[0] * 1e-6)  # beyond that a bar is numerical noise
    return min(low, *(row.variance for row in rows if row.variance), low) / 2.5, high * 2.5


def grid(chart: Drawing, y: Place, low: float, high: float, title: str) -> None:
    """Draw the decades, and what is measured on this axis."""
    right = chart.width - RIGHT
    decades = axes.decades(low, high)
    for value in decades[:: -(-len(decades) // 8)]:
        chart.add(Path(((LEFT, y(value)), (right, y(value))), "grid"))
        chart.add(Label(LEFT - 8, y(value) + 4, format.exact(value), "muted number", "end"))
    middle = (TOP + chart.height - BOTTOM) / 2
    chart.add(Label(12, middle, title, "muted", "middle", turned=True))


def columns(chart: Drawing, bars: list[float], y: Place, words: Phrases) -> None:
    """Draw the eigenvalues."""
    step = (chart.width - RIGHT - LEFT) / len(bars)
    floor = chart.height - BOTTOM
    gap = min(0.22 * step, 4.0)
    for i, eigenvalue in enumerate(bars):
        top = y(eigenvalue)
        title = words("chart.bar", index=i + 1, value=format.three(eigenvalue))
        chart.add(Bar(LEFT + i * step, top, step - gap, floor - top, "eigenvalue", title))
    chart.add(Path(((LEFT, floor), (chart.width - RIGHT, floor)), "axis"))


def across(chart: Drawing, shown: int, count: int, words: Phrases) -> None:
    """Number the eigenvalues."""
    step = (chart.width - RIGHT - LEFT) / shown
    for n in axes.ticks(1, shown, 6 if chart.width > NARROW else 3):
        x = LEFT + (n - 0.5) * step
        chart.add(Label(x, chart.height - BOTTOM + 18, format.count(n), "muted number", "middle"))
    title = words("chart.x", shown=format.count(shown), count=format.count(count))
    chart.add(Label(chart.width - RIGHT, chart.height - 8, title, "muted", "end"))


def _lines(chart: Drawing, c: Comparison, rows: list[Row], y: Place, words: Words) -> None:
    right = chart.width - RIGHT
    levels = [y(row.variance) for row in rows if row.variance is not None]
    wanted = [_beside(level, levels) for level in levels]
    clear = axes.apart(wanted, LINE, TOP + 4, chart.height - BOTTOM - 4)
    labels = []
    for row, level, at in zip(rows, levels, clear, strict=True):
        text = f"{row.name}    σ² = {facts.variance(row)}"
        title = f"{text}    {position(c, row, words)}"
        chart.add(Path(((LEFT, level), (right, level)), f"line {row.verdict}", title))
        shown = title if chart.width > NARROW else text
        labels.append(Label(right - 4, at, shown, f"halo {row.verdict}", "end"))
    chart.add(*labels)


def _beside(level: float, levels: list[float]) -> float:
    """Return where a line's label goes: above it, or below it where another line is close above."""
    close = any(0 < level - other < LINE + 4 for other in levels)
    return level + 16 if close else level - 7


def _top(chart: Drawing, c: Comparison, rows: list[Row], y: Place, words: Words) -> None:
    """Write the largest bar's value, and how far above it the highest line lies."""
    top, x = facts.top(c), LEFT + 3
    label = words("chart.top", value=format.three(top))
    chart.add(Label(x + 12, y(top) - 7, label, "halo strong"))
    highest = max((row.variance for row in rows if row.variance is not None), default=0.0)
    if y(top) - y(highest) < 3 * LINE:
        return
    ends = ((x, y(top) - 3), (x, y(highest) + 3))
    gap = words("chart.gap", ratio=format.three(highest / top))
    middle = (y(top) + y(highest)) / 2
    chart.add(Path(ends, "reach collapses"), Label(x + 12, middle, gap, "halo collapses"))


def _alt(c: Comparison, rows: list[Row], words: Words) -> str:
    lines = [f"{r.name}: σ² = {facts.variance(r)}, {position(c, r, words)}" for r in rows]
    count, top = format.count(len(c.spectrum)), format.three(facts.top(c))
    return words("chart.alt", count=count, top=top, lines="; ".join(lines))
