"""A sheet to draw on in css pixels with matplotlib, without touching its global state."""

from __future__ import annotations

import io
from typing import Literal

import numpy as np
from matplotlib import font_manager
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, FancyBboxPatch, Rectangle
from matplotlib.patheffects import withStroke
from PIL.Image import Image

from nelbo.report.drawing import Bar, Dot, Drawing, Label, Path, Point

WIDTH, DPI = 880.0, 100  # css pixels
SCALE = 1600 / WIDTH  # pixels of the picture for each
EDGE = 24.0  # margin of the sheet
INNER = WIDTH - 2 * EDGE
COLOURS = {
    "page": "#ffffff", "raised": "#f6f7f9", "rule": "#e3e5ea", "ink": "#16191f",
    "quiet": "#5c6470", "bar": "#ccd1d9", "collapses": "#b93a0b", "fill": "#fdf0ea",
    "learns": "#0b63a5", "marginal": "#85570a",
}  # fmt: skip
SANS = ("Helvetica Neue", "Arial", "Liberation Sans", "Noto Sans")
MONO = ("SF Mono", "Menlo", "Consolas", "DejaVu Sans Mono")
CJK = (
    "Noto Sans CJK SC", "Source Han Sans SC", "Source Han Sans CN", "PingFang SC", "Heiti SC",
    "Microsoft YaHei", "SimHei", "WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "Noto Sans SC",
    "Noto Sans CJK JP", "Droid Sans Fallback",
)  # fmt: skip
Anchor = Literal["left", "center", "right"]
_ANCHORS: dict[str, Anchor] = {"start": "left", "middle": "center", "end": "right"}


def installed(families: tuple[str, ...]) -> list[str]:
    """Return the first of these families that this machine has, in a list; else nothing."""
    known = {font.name for font in font_manager.fontManager.ttflist}
    return [family for family in families if family in known][:1]


class Canvas:
    """A white sheet, 880 css pixels wide, as high as what is drawn on it."""

    def __init__(self) -> None:
        self.figure = Figure(dpi=DPI)
        self._agg = FigureCanvasAgg(self.figure)
        self.axes = self.figure.add_axes((0, 0, 1, 1))
        self.axes.set_axis_off()
        self._layer = 0
        cjk = installed(CJK)
        self._sans = [*installed(SANS), *cjk, "DejaVu Sans"]
        self._mono = [*installed(MONO), *cjk, "DejaVu Sans Mono"]

    def text(
        self, at: Point, text: str, size: float = 12, style: str = "", turned: bool = False
    ) -> None:
        """Write a text; `style` has words such as "mono strong right collapses"."""
        words = style.split()
        colour = next((COLOURS[w] for w in words if w in COLOURS), COLOURS["ink"])
        drawn = self.axes.text(
            *at,
            text,
            color=colour,
            fontproperties=self._font(size, style),
            ha=next((a for a in _ANCHORS.values() if a in words), "left"),
            va="center" if turned else "baseline",
            rotation=90 if turned else 0,
            parse_math=False,
            zorder=self._next(),
        )
        if "halo" in words:
            around = withStroke(linewidth=_points(4), foreground=COLOURS["page"])
            drawn.set_path_effects([around])

    def width(self, text: str, size: float = 12, style: str = "") -> float:
        """Return how wide a text comes out."""
        renderer = self._agg.get_renderer()
        font = self._font(size, style)
        return renderer.get_text_width_height_descent(text, font, ismath=False)[0] / SCALE

    def fit(self, text: str, room: float, size: float, style: str = "") -> float:
        """Return the size, or the smaller one at which a text fits."""
        return min(size, size * room / self.width(text, size, style))

    def rectangle(self, at: Point, size: Point, colour: str) -> None:
        """Fill a rectangle."""
        self.axes.add_patch(Rectangle(at, *size, fc=COLOURS[colour], lw=0, zorder=self._next()))

    def disc(self, at: Point, colour: str) -> None:
        """Draw a small disc."""
        self.axes.add_patch(Circle(at, 3, fc=COLOURS[colour], lw=0, zorder=self._next()))

    def box(self, at: Point, size: Point, radius: float, fill: str, edge: str) -> None:
        """Draw a rounded box."""
        style = f"round,pad=0,rounding_size={radius}"
        box = FancyBboxPatch(at, *size, boxstyle=style, zorder=self._next())
        box.set(facecolor=COLOURS[fill], edgecolor=COLOURS[edge], linewidth=_points(1.5))
        self.axes.add_patch(box)

    def line(
        self, points: tuple[Point, ...], colour: str, width: float = 1, dash: str = ""
    ) -> None:
        """Draw a line through points; `dash` is "" or "dash"."""
        x, y = zip(*points, strict=True)
        style = (0, (1, 2)) if dash else "-"
        cap = "butt" if dash else "round"
        line = Line2D(x, y, color=COLOURS[colour], lw=_points(width), zorder=self._next())
        line.set(linestyle=style, solid_capstyle=cap)
        self.axes.add_line(line)

    def image(self, picture: Image, at: Point, width: float) -> None:
        """Show a picture this wide, on whole pixels of the sheet, its own pixels crisp."""
        left, top = (round(v * SCALE) / SCALE for v in at)
        height = width * picture.height / picture.width
        extent = (left, left + width, top + height, top)
        pixels = np.asarray(picture)
        shown = self.axes.imshow(pixels, extent=extent, interpolation="nearest", aspect="auto")
        shown.set_zorder(self._next())

    def drawing(self, drawing: Drawing, at: Point, scale: float = 1.0) -> None:
        """Draw a chart with its upper left corner there."""

        def place(x: float, y: float) -> Point:
            return at[0] + x * scale, at[1] + y * scale

        for shape in drawing.shapes:
            if isinstance(shape, Bar):
                size = (shape.width * scale, shape.height * scale)
                self.rectangle(place(shape.x, shape.y), size, "bar")
            elif isinstance(shape, Path):
                self._path(shape, tuple(place(*point) for point in shape.points))
            elif isinstance(shape, Dot) and "only" in shape.kind:
                self.disc(place(shape.x, shape.y), shape.kind.split()[-1])
            elif isinstance(shape, Label):
                self._label(shape, place(shape.x, shape.y), scale)

    def png(self, height: float) -> bytes:
        """Return the sheet, cut at this height, as a PNG."""
        self.figure.set_size_inches(WIDTH * SCALE / DPI, height * SCALE / DPI)
        self.axes.set_xlim(0, WIDTH)
        self.axes.set_ylim(height, 0)
        buffer = io.BytesIO()
        self._agg.print_png(buffer)
        return buffer.getvalue()

    def _next(self) -> int:
        """Return the next layer: what is drawn later lies above."""
        self._layer += 1
        return self._layer

    def _path(self, path: Path, points: tuple[Point, ...]) -> None:
        words = path.kind.split()
        colour = next((w for w in words if w in COLOURS), "quiet")
        widths = {"line": 2.0, "curve": 2.0, "edge": 3.0, "reach": 1.5}
        width = next((widths[w] for w in words if w in widths), 1.0)
        dash = "dash" if {"dash", "reach"} & set(words) else ""
        self.line(points, "rule" if "grid" in words else colour, width, dash)

    def _label(self, label: Label, at: Point, scale: float) -> None:
        words = label.kind.split()
        marked = {"collapses", "learns", "marginal", "strong"} & set(words)
        style = " ".join(w for w in words if w in COLOURS)
        style += " quiet" if "muted" in words else ""
        style += " strong" if marked else ""
        style += f" {_ANCHORS[label.anchor]}"
        size = 11.0 if {"small", "number"} & set(words) else 12.0
        style += " halo" if "halo" in words else ""
        self.text(at, label.text, size * scale, style, label.turned)

    def _font(self, size: float, style: str) -> FontProperties:
        family = self._mono if "mono" in style else self._sans
        weight = "bold" if "strong" in style else "normal"
        return FontProperties(family=family, size=_points(size), weight=weight)


def _points(css: float) -> float:
    return css * SCALE * 72 / DPI
