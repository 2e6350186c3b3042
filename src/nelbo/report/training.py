"""Training as small multiples: one panel a loss, the bound's two terms against epochs."""

from __future__ import annotations

import math
from dataclasses import dataclass

from matplotlib.ticker import MaxNLocator

from nelbo.compare.results import Comparison, Row
from nelbo.report import axes, format
from nelbo.report.axes import Place
from nelbo.report.drawing import Dot, Drawing, Label, Path
from nelbo.report.words import Words

WIDTH, HEIGHT = 352.0, 300.0
LEFT, RIGHT, GUTTER = 50.0, 114.0, 22.0  # ticks; labels at the ends of lines; the forecast
STRIPS = {"reconstruction": (22.0, 132.0), "kl": (164.0, 264.0)}  # top and bottom of each
Range = tuple[float, float]


@dataclass(frozen=True)
class Panel:
    """One loss: the ranges of its axes."""

    row: Row
    epochs: float
    ranges: dict[str, Range]


def panels(c: Comparison) -> list[Panel]:
    """Return a panel for each row with a history; axes are shared where their units agree."""
    rows = [row for row in c.rows if _values(row, "kl") and _values(row, "reconstruction")]
    epochs = max((line["epoch"] for row in rows for line in row.history), default=1)
    kl = max((v for row in rows for v in _values(row, "kl")), default=1.0)
    spans = {_unit(row): 0.0 for row in rows}
    for row in rows:
        spans[_unit(row)] = max(spans[_unit(row)], _span(row))
    return [
        Panel(row, epochs, {"kl": (0.0, 1.08 * kl or 1.0), "reconstruction": _level(row, spans)})
        for row in rows
    ]


def draw(panel: Panel, words: Words) -> Drawing:
    """Return one panel's chart."""
    row = panel.row
    chart = Drawing(WIDTH, HEIGHT, _alt(row, words))
    x = axes.linear(0, panel.epochs, LEFT + GUTTER, WIDTH - RIGHT)
    for name, (top, bottom) in STRIPS.items():
        y = axes.linear(*panel.ranges[name], bottom, top)
        chart.add(Label(LEFT, top - 9, words(f"training.{name}"), "muted"))
        _grid(chart, y, panel.ranges[name])
        _curves(chart, row, name, x, y, words)
    _forecast(chart, row, words)
    _epochs(chart, x, panel.epochs, words)
    return chart


def _unit(row: Row) -> tuple[str, str]:
    """Rows of one unit differ in a constant alone, which no gradient sees."""
    stated = row.variance_source == "stated"
    return (row.base_measure, "stated" if stated else row.key)


def _values(row: Row, name: str) -> list[float]:
    found = (line.get(key, math.nan) for line in row.history for key in (name, f"valid_{name}"))
    return [value for value in found if math.isfinite(value)]


def _span(row: Row) -> float:
    values = _values(row, "reconstruction")
    return (max(values) - min(values)) * 1.2 or 1.0


def _level(row: Row, spans: dict[tuple[str, str], float]) -> Range:
    values = _values(row, "reconstruction")
    middle = (max(values) + min(values)) / 2
    half = spans[_unit(row)] / 2
    return middle - half, middle + half


def _grid(chart: Drawing, y: Place, limits: Range) -> None:
    for value in axes.ticks(*limits):
        ends = ((LEFT + GUTTER, y(value)), (WIDTH - RIGHT, y(value)))
        chart.add(Path(ends, "grid"))
        chart.add(Label(LEFT - 6, y(value) + 4, _tick(value), "muted number", "end"))


def _tick(value: float) -> str:
    return "0" if abs(value) < 1e-12 else format.exact(value)


def _curves(chart: Drawing, row: Row, name: str, x: Place, y: Place, words: Words) -> None:
    ends = []
    for key, source, dash in ((f"valid_{name}", "valid", " dash"), (name, "train", "")):
        points = [(line["epoch"], line.get(key, math.nan)) for line in row.history]
        points = [(epoch, value) for epoch, value in points if math.isfinite(value)]
        if not points:
            continue
        path = tuple((x(epoch), y(value)) for epoch, value in points)
        chart.add(Path(path, f"curve {row.verdict}{dash}"))
        if len(path) == 1:
            chart.add(Dot(*path[0], f"only {row.verdict}"))
        for (epoch, value), at in zip(points, path, strict=True):
            title = words("training.point", epoch=f"{epoch:g}", value=format.three(value))
            chart.add(Dot(*at, f"{row.verdict}{dash}", title))
        ends.append((words(f"training.{source}"), points[-1][1], path[-1]))
    _end_labels(chart, ends, STRIPS[name])


def _end_labels(chart: Drawing, ends: list, strip: Range) -> None:
    clear = axes.apart([at[1] for _, _, at in ends], 14.0, strip[0], strip[1])
    for (source, value, at), y in zip(ends, clear, strict=True):
        text = f"{source} {format.three(value)}" if len(ends) > 1 else format.three(value)
        chart.add(Label(at[0] + 8, y + 4, text, "number small"))


def _forecast(chart: Drawing, row: Row, words: Words) -> None:
    """Write what was known before the first epoch at the left edge."""
    forecast = words("training.forecast", verdict=words(f"verdict.{row.forecast}"))
    margin = words("training.margin", margin=format.three(row.margin))
    for text, (top, bottom) in zip((forecast, margin), STRIPS.values(), strict=True):
        chart.add(Path(((LEFT, top), (LEFT, bottom)), f"edge {row.forecast}"))
        middle = (top + bottom) / 2
        kind = f"small {row.forecast}"
        chart.add(Label(LEFT + 13, middle, text, kind, "middle", turned=True))


def _epochs(chart: Drawing, x: Place, epochs: float, words: Words) -> None:
    bottom = STRIPS["kl"][1]
    chart.add(Path(((x(0), bottom), (x(epochs), bottom)), "axis"))
    for value in MaxNLocator(4, integer=True).tick_values(0, epochs):
        if 0 <= value <= epochs:
            chart.add(Label(x(value), bottom + 17, f"{value:g}", "muted number", "middle"))
    chart.add(Label(WIDTH - RIGHT, bottom + 33, words("training.epoch"), "muted", "end"))


def _alt(row: Row, words: Words) -> str:
    return words(
        "training.alt",
        name=row.name,
        epochs=f"{row.history[-1]['epoch']:g}",
        reconstruction=format.three(row.history[-1].get("reconstruction")),
        kl=format.three(row.history[-1].get("kl")),
        margin=format.three(row.margin),
    )
