"""The rows of the picture: the originals, and what each loss makes of them."""

from __future__ import annotations

from nelbo.compare.results import Comparison, Row
from nelbo.report import evidence, facts, tiles
from nelbo.report.canvas import EDGE, INNER, SCALE, Canvas
from nelbo.report.drawing import Point
from nelbo.report.tiles import Pixels
from nelbo.report.words import Words

TILE = 84 / SCALE  # css pixels: an image of 28 pixels comes out at exactly three times its size
GAP = 16.0


def draw(canvas: Canvas, c: Comparison, y: float, words: Words) -> float:
    """Draw the rows from y on; return where they end."""
    originals = tiles.tiles(c.originals, c)
    samples = EDGE + INNER - _width(originals[: -(-len(originals) // 2)], TILE / 2)
    left = samples - GAP - _width(originals, TILE)
    _originals(canvas, c, (left, y), words)
    y += TILE + 22
    canvas.text((left, y), words("evidence.reconstructions"), 11, "quiet")
    canvas.text((samples, y), words("evidence.samples"), 11, "quiet")
    y += 8
    for row in c.rows:
        if row.verdict == "collapses":
            canvas.box((EDGE - 12, y), (INNER + 24, TILE + 16), 7, "fill", "collapses")
        _label(canvas, row, (EDGE, y + 8), left - EDGE - 12, words)
        _strip(canvas, tiles.tiles(row.reconstructions, c), (left, y + 8), TILE)
        _strip(
            canvas, tiles.tiles(row.samples, c, tiles.SMALL), (samples, y + 8), TILE / 2, lines=2
        )
        y += TILE + 22
    return y


def verdict(canvas: Canvas, row: Row, at: Point, words: Words) -> None:
    """Write the verdict: a tick or a cross, and its word."""
    x, y = at
    for stroke in _strokes(row, x + 4, y - 4):
        canvas.line(stroke, row.verdict, 2.2)
    canvas.text((x + 14, y), words(f"verdict.{row.verdict}"), 12, f"strong {row.verdict}")


def _originals(canvas: Canvas, c: Comparison, at: Point, words: Words) -> None:
    note = evidence.originals_label(c, words)
    size = canvas.fit(note, at[0] - EDGE - 12, 11)
    canvas.text((EDGE, at[1] + 20), words("evidence.originals"), 13, "strong")
    canvas.text((EDGE, at[1] + 37), note, size, "quiet")
    _strip(canvas, tiles.tiles(c.originals, c), at, TILE)


def _label(canvas: Canvas, row: Row, at: Point, room: float, words: Words) -> None:
    (x, y), what = at, facts.what(row, words)
    name_size = canvas.fit(row.name, room, 12, "mono strong")
    canvas.text((x, y + 10), row.name, name_size, "mono strong")
    canvas.text((x, y + 25), what, canvas.fit(what, room, 11), "quiet")
    verdict(canvas, row, (x, y + 41), words)


def _strokes(row: Row, x: float, y: float) -> list[tuple[Point, ...]]:
    if row.verdict == "collapses":
        return [((x - 4, y - 4), (x + 4, y + 4)), ((x + 4, y - 4), (x - 4, y + 4))]
    return [((x - 4, y), (x - 1.5, y + 3), (x + 4.5, y - 4.5))]


def _strip(canvas: Canvas, pixels: Pixels, at: Point, tile: float, lines: int = 1) -> None:
    across = pixels[: -(-len(pixels) // lines)]
    canvas.image(tiles.sheet_of(pixels, lines), at, _width(across, tile))


def _width(pixels: Pixels, tile: float) -> float:
    """Return the width of a line of tiles whose longer side is this long."""
    n, height, width, _ = pixels.shape
    return (n * (width + 1) - 1) * tile / max(height, width)
