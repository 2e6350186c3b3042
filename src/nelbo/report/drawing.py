"""Charts as shapes in css pixels, which the page writes as SVG and the picture as matplotlib."""

from __future__ import annotations

from dataclasses import dataclass, field

Point = tuple[float, float]


@dataclass(frozen=True)
class Bar:
    """A filled rectangle."""

    x: float
    y: float
    width: float
    height: float
    kind: str
    title: str = ""
    shape: str = "bar"


@dataclass(frozen=True)
class Path:
    """A line through points."""

    points: tuple[Point, ...]
    kind: str
    title: str = ""
    shape: str = "path"

    @property
    def svg(self) -> str:
        """The points as SVG writes them."""
        return " ".join(f"{x:.1f},{y:.1f}" for x, y in self.points)


@dataclass(frozen=True)
class Dot:
    """A place that names its value; of kind "only" a visible disc, where a line has one point."""

    x: float
    y: float
    kind: str
    title: str = ""
    shape: str = "dot"


@dataclass(frozen=True)
class Label:
    """A text; `anchor` is "start", "middle" or "end", `turned` reads upwards."""

    x: float
    y: float
    text: str
    kind: str = "muted"
    anchor: str = "start"
    turned: bool = False
    shape: str = "label"


Shape = Bar | Path | Dot | Label


@dataclass
class Drawing:
    """A chart: its size, its shapes from back to front, and what it shows in words."""

    width: float
    height: float
    alt: str
    shapes: list[Shape] = field(default_factory=list)

    def add(self, *shapes: Shape) -> None:
        """Draw over what is there."""
        self.shapes.extend(shapes)
