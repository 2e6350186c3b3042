"""One image, from a file or from its bytes."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np

from nelbo.errors import BadValue

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff")
_GREY = ("1", "L", "LA")
_COLOUR = ("P", "PA", "RGB", "RGBA", "RGBX", "RGBa", "CMYK", "YCbCr", "HSV", "LAB")


def read_image(file: Path | bytes, what: str = "") -> np.ndarray:
    """Return an image as uint8 [channels, height, width].

    Args:
        file: its path, or what the file holds.
        what: its name in error messages; by default the path.

    Raises:
        ValueError: it cannot be read, or has more than 8 bits a channel.
    """
    from PIL import Image

    what = what or str(file)
    try:
        with Image.open(io.BytesIO(file) if isinstance(file, bytes) else file) as image:
            return pixels(image, what)
    except BadValue:
        raise
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
        raise BadValue(
            what,
            expected="an image that can be read",
            got=f"{error}".splitlines()[0] if str(error) else type(error).__name__,
            fix="Replace or remove the file.",
        ) from None


def image_shape(file: Path) -> tuple[int, int, int]:
    """Return an image's [channels, height, width] from the beginning of its file.

    Raises:
        ValueError: it cannot be read so far, or has more than 8 bits a channel.
    """
    from PIL import Image

    try:
        with Image.open(file) as image:
            _check_mode(image, str(file))
            return (1 if image.mode in _GREY else 3, image.height, image.width)
    except BadValue:
        raise
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError):
        read_image(file)  # says what is wrong
        raise


def pixels(image: Any, what: str) -> np.ndarray:
    """Return the pixels of one of Pillow's images as uint8 [channels, height, width].

    Raises:
        ValueError: more than 8 bits a channel.
    """
    _check_mode(image, what)
    found = np.array(image.convert("L" if image.mode in _GREY else "RGB"))
    return found[None] if found.ndim == 2 else found.transpose(2, 0, 1)


def alike(
    image: np.ndarray, path: Path | str, shape: tuple[int, ...], first: Path | str
) -> np.ndarray:
    """Return the image; ValueError unless it is of the shape that the first one has."""
    if image.shape != shape:
        raise unlike(path, image.shape, first, shape)
    return image


def unlike(
    path: Path | str, shape: tuple[int, ...], first: Path | str, first_shape: tuple[int, ...]
) -> BadValue:
    """Return the error of an image that is of another size or kind than the first."""
    return BadValue(
        str(path),
        expected=f"{_kind(first_shape)} as in {first}",
        got=_kind(shape),
        fix="Resize or convert them all alike.",
    )


def _check_mode(image: Any, what: str) -> None:
    if image.mode not in _GREY + _COLOUR:
        raise BadValue(
            what,
            expected="8 bits a channel",
            got=f"mode {image.mode}",
            fix="Convert it, or pass the values as .npy.",
        )


def _kind(shape: tuple[int, ...]) -> str:
    channels, height, width = shape
    return f"{'a grey' if channels == 1 else 'an RGB'} image of {height} x {width}"
