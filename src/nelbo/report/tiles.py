"""Examples as small pictures: images as they are, other data as a curve."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from nelbo.compare.results import Comparison
from nelbo.report.words import is_image

TILE, SMALL = 56, 28  # css pixels of a reconstruction's longer side, and of a sample's
Pixels = NDArray[np.uint8]  # [n, height, width, 3]


@dataclass(frozen=True)
class Strip:
    """Several tiles in one picture, with its size as the page shows it."""

    uri: str
    width: int
    height: int


def value_range(c: Comparison) -> tuple[float, float]:
    """Return the values that are black and white: [0, 1], or the originals' own range."""
    low, high = float(c.originals.min()), float(c.originals.max())
    if 0 <= low and high <= 1:
        return 0.0, 1.0
    return low, high


def tiles(examples: Tensor, c: Comparison, side: int = TILE) -> Pixels:
    """Return examples as pixels, [n, height, width, 3], all on one scale, at most `side` long."""
    low, high = value_range(c)
    scaled = (examples.detach().cpu().double() - low) / max(high - low, 1e-12)
    unit = np.nan_to_num(scaled.clamp(0, 1).numpy())
    if not is_image(c.data_shape):
        return np.stack([_curve(example.ravel(), side) for example in unit])
    if unit.ndim == 3:
        unit = unit[:, None]
    pixels = np.broadcast_to(unit, (len(unit), 3, *unit.shape[2:])).transpose(0, 2, 3, 1)
    return np.stack([_sized(p, side) for p in np.round(pixels * 255).astype(np.uint8)])


def strip(pixels: Pixels, lines: int = 1, side: int = TILE) -> Strip:
    """Return the tiles in `lines` lines, enlarged to `side` as far as whole pixels allow."""
    scale = max(1, side // max(pixels.shape[1:3]))
    sheet = sheet_of(pixels, lines)
    return Strip(_data_uri(sheet), sheet.width * scale, sheet.height * scale)


def sheet_of(pixels: Pixels, lines: int = 1) -> Image.Image:
    """Return the tiles as one picture, in `lines` lines, with a transparent pixel between."""
    n, height, width, _ = pixels.shape
    columns = -(-n // lines)
    sheet = Image.new("RGBA", (columns * (width + 1) - 1, lines * (height + 1) - 1))
    for i, tile in enumerate(pixels):
        line, column = divmod(i, columns)
        sheet.paste(Image.fromarray(tile), (column * (width + 1), line * (height + 1)))
    return sheet


def _sized(tile: Pixels, side: int) -> Pixels:
    """Shrink a large image to the tile; repeat the pixels of a very small one."""
    longest = max(tile.shape[:2])
    if longest <= side:
        times = max(1, SMALL // longest)
        return tile.repeat(times, axis=0).repeat(times, axis=1)
    height, width = (max(1, round(length * side / longest)) for length in tile.shape[:2])
    return np.asarray(Image.fromarray(tile).resize((width, height), Image.Resampling.BOX))


def _curve(values: NDArray[np.float64], side: int) -> Pixels:
    """Draw the values from left to right, white on black, as images are."""
    canvas = np.zeros((side, side, 3), np.uint8)
    at = np.arange(side) * len(values) // side
    level = np.round((1 - values[at]) * (side - 5)).astype(int) + 2
    for x in range(side):
        before = level[max(0, x - 1)]
        low, high = sorted((before, level[x]))
        canvas[low : high + 1, x] = 255
    return canvas


def _data_uri(picture: Image.Image) -> str:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
