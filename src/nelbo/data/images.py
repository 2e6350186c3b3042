"""Folders of images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from nelbo.data.parts import Parts
from nelbo.errors import BadValue

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff")
_GREY = ("1", "L", "LA")
_COLOUR = ("P", "PA", "RGB", "RGBA", "RGBX", "RGBa", "CMYK", "YCbCr", "HSV", "LAB")


def read_images(folder: Path) -> Parts:
    """Return the images under a folder, sorted by name, as uint8 [n, channels, height, width].

    Grey images have one channel, others are read as RGB; of an animation the first frame counts,
    and transparency is dropped. If every image lies in a subfolder, the sorted names of the
    subfolders are the classes; if these are `train` and `test`, they are the two sets.

    Raises:
        ValueError: no images, one that cannot be read, or several sizes or kinds.
    """
    paths = _find(folder)
    if not paths:
        raise BadValue(
            str(folder),
            expected=f"images ({', '.join(SUFFIXES)})",
            got="none",
            fix="Name the folder that holds them.",
        )
    array = _read_all(paths)
    first = np.array([_part(path, folder) for path in paths])
    if set(first) != {"train", "test"}:
        return Parts(array, _classes(folder, paths))
    train = first == "train"
    return Parts(
        array[train],
        _classes(folder / "train", [p for p, t in zip(paths, train, strict=True) if t]),
        array[~train],
        _classes(folder / "test", [p for p, t in zip(paths, train, strict=True) if not t]),
    )


def _find(folder: Path) -> list[Path]:
    hidden = [p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file()]
    shown = [p for p in hidden if not p.name.startswith(".")]
    return sorted(shown, key=lambda p: p.relative_to(folder).parts)


def _part(path: Path, folder: Path) -> str:
    """Return the subfolder of `folder` that the file lies in, "" for none."""
    parts = path.relative_to(folder).parts
    return parts[0] if len(parts) > 1 else ""


def _classes(folder: Path, paths: Sequence[Path]) -> np.ndarray | None:
    names = [_part(path, folder) for path in paths]
    if "" in names:
        return None
    number = {name: i for i, name in enumerate(sorted(set(names)))}
    return np.array([number[name] for name in names])


def _read_all(paths: Sequence[Path]) -> np.ndarray:
    first = _read(paths[0])
    array = np.empty((len(paths), *first.shape), dtype=np.uint8)
    for i, path in enumerate(paths):
        image = _read(path) if i else first
        if image.shape != first.shape:
            raise BadValue(
                str(path),
                expected=f"{_kind(first)} as in {paths[0]}",
                got=_kind(image),
                fix="Resize or convert them all alike.",
            )
        array[i] = image
    return array


def _read(path: Path) -> np.ndarray:
    """Return an image as [channels, height, width]."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            if image.mode not in _GREY + _COLOUR:
                raise BadValue(
                    str(path),
                    expected="8 bits a channel",
                    got=f"mode {image.mode}",
                    fix="Convert it, or pass the values as .npy.",
                )
            pixels = np.asarray(image.convert("L" if image.mode in _GREY else "RGB"))
    except BadValue:
        raise
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
        raise BadValue(
            str(path),
            expected="an image that can be read",
            got=f"{error}".splitlines()[0] if str(error) else type(error).__name__,
            fix="Replace or remove the file.",
        ) from None
    return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)


def _kind(image: np.ndarray) -> str:
    channels, height, width = image.shape
    return f"{'a grey' if channels == 1 else 'an RGB'} image of {height} x {width}"
