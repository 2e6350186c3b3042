"""The spectrum with the line that it has to exceed."""

from __future__ import annotations

import math

from nelbo.doctor import Forecast
from nelbo.report import axes, format, spectrum
from nelbo.report.doctor.level import Level, level
from nelbo.report.drawing import Drawing, Label, Path
from nelbo.report.spectrum import BOTTOM, FEWEST, LEFT, LINE, MOST, RIGHT, TOP
from nelbo.report.words import Phrases


def draw(
    found: Forecast, words: Phrases, width: float = 1040, height: float = 380
) -> Drawing | None:
    """Return the chart, None where the data does not vary."""
    there = level(found)
    if there is None:
        return None
    bars = list(there.values[: min(MOST, max(FEWEST, math.ceil(1.15 * there.above)))])
    low = min(there.line, max(bars[-1], bars[0] * 1e-6)) / 2.5  # a lower bar is numerical noise
    high = max(there.line, there.top) * 2.5
    y = axes.logarithmic(low, high, height - BOTTOM, TOP)
    chart = Drawing(width, height, _alt(there, words))
    title = words("doctor.forecast.y" if there.variance is None else "chart.y")
    spectrum.grid(chart, y, low, high, title)
    spectrum.columns(chart, bars, y, words)
    spectrum.across(chart, len(bars), len(there.values), words)
    _line(chart, there, found.verdict, y(there.line), words)
    _largest(chart, there, y, words)
    return chart


def _line(chart: Drawing, there: Level, kind: str, level: float, words: Phrases) -> None:
    right = chart.width - RIGHT
    text = f"{there.text}    {_position(there, words)}"
    chart.add(Path(((LEFT, level), (right, level)), f"line {kind}", text))
    chart.add(Label(right - 4, level - 7, text, f"halo {kind}", "end"))


def _largest(chart: Drawing, there: Level, y: axes.Place, words: Phrases) -> None:
    """Write the largest bar's value, and how far above it the line lies."""
    x, top, line = LEFT + 3, y(there.top), y(there.line)
    label = words("chart.top", value=format.three(there.top))
    chart.add(Label(x + 12, top - 7, label, "halo strong"))
    if top - line < 3 * LINE:
        return
    gap = words("chart.gap", ratio=format.three(there.line / there.top))
    chart.add(Path(((x, top - 3), (x, line + 3)), "reach collapses"))
    chart.add(Label(x + 12, (top + line) / 2, gap, "halo collapses"))


def _position(there: Level, words: Phrases) -> str:
    key = {0: "chart.none", 1: "chart.one"}.get(there.above, "chart.some")
    return words(key, count=format.count(there.above))


def _alt(there: Level, words: Phrases) -> str:
    return words(
        "doctor.forecast.alt",
        count=format.count(len(there.values)),
        top=format.three(there.top),
        line=there.text,
        position=_position(there, words),
    )
