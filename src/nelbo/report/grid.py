"""Examples as a picture file, an array file, or characters of a terminal."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from rich.text import Text
from torch import Tensor

from nelbo.errors import BadValue
from nelbo.files import write_atomically

GAP = 2
SMALLEST = 56  # pixels: smaller images are enlarged, without smoothing, at least to this


def write(rows: Sequence[Tensor], path: Path, array: Tensor) -> None:
    """Write rows of images as one .png, or an array as .npy, by the path's ending.

    Args:
        rows: each [n, *data_shape], of images in [0, 1]: (h, w), (1, h, w) or (3, h, w).
        path: ends in .png or .npy.
        array: what a .npy holds.

    Raises:
        ValueError: another ending, or a .png of examples that are no images.
    """
    buffer = io.BytesIO()
    if path.suffix == ".npy":
        np.save(buffer, array.detach().cpu().numpy())
    else:
        check_ending(path, tuple(array.shape[1:]))
        _picture(rows).save(buffer, format="png")
    write_atomically(path, buffer.getvalue())


def check_ending(path: Path, shape: tuple[int, ...]) -> None:
    """Refuse a file that examples of this shape cannot be written to."""
    if path.suffix not in (".png", ".npy"):
        fix = "Name it samples.png, or samples.npy for the numbers."
        raise BadValue("out", expected="a .png or .npy", got=f"'{path.name}'", fix=fix)
    if path.suffix == ".png" and not is_image(shape):
        got, fix = f"examples of shape {list(shape)}", "Write a .npy."
        raise BadValue("a .png", expected="images [h, w], [1, h, w] or [3, h, w]", got=got, fix=fix)


def preview(images: Tensor, width: int = 100) -> Iterator[Text]:
    """Return lines of a terminal that show images side by side, two pixels a character."""
    if not is_image(tuple(images.shape[1:])):
        return
    grey = images.reshape(len(images), -1, *images.shape[-2:]).mean(1)
    step = max(1, -(-grey.shape[-1] * len(grey) // width))
    small = torch.nn.functional.avg_pool2d(grey[:, None], step, ceil_mode=True)[:, 0]
    strip = torch.cat(list(small), dim=1).clamp(0, 1).mul(255).round().int().tolist()
    for upper, lower in zip(strip[::2], strip[1::2] + [strip[-1]], strict=False):
        line = Text()
        for top, bottom in zip(upper, lower, strict=True):
            line.append("▀", f"rgb({top},{top},{top}) on rgb({bottom},{bottom},{bottom})")
        yield line


def is_image(shape: tuple[int, ...]) -> bool:
    """Return whether examples of this shape can be shown: [h, w], [1, h, w] or [3, h, w]."""
    return len(shape) == 2 or (len(shape) == 3 and shape[0] in (1, 3))


def _picture(rows: Sequence[Tensor]) -> Image.Image:
    tiles = [[_tile(image) for image in row] for row in rows]
    height, width = tiles[0][0].shape[:2]
    columns = max(map(len, tiles))
    size = (len(tiles) * (height + GAP) - GAP, columns * (width + GAP) - GAP, 3)
    sheet = np.full(size, 255, dtype=np.uint8)
    for i, row in enumerate(tiles):
        for j, tile in enumerate(row):
            top, left = i * (height + GAP), j * (width + GAP)
            sheet[top : top + height, left : left + width] = tile
    return Image.fromarray(sheet)


def _tile(image: Tensor) -> np.ndarray:
    pixels = image.detach().cpu().reshape(-1, *image.shape[-2:]).expand(3, -1, -1)
    shown = pixels.clamp(0, 1).mul(255).round().byte().permute(1, 2, 0).numpy()
    factor = max(1, -(-SMALLEST // max(shown.shape[:2])))
    return shown.repeat(factor, axis=0).repeat(factor, axis=1)
