"""Folders of images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from nelbo.data import rows
from nelbo.data.image_file import SUFFIXES, alike, read_image
from nelbo.data.image_rows import ImageRows
from nelbo.data.parts import Parts
from nelbo.errors import BadValue


def read_images(folder: Path) -> Parts:
    """Return the images under a folder, sorted by name, as uint8 [n, channels, height, width].

    Where they are large, all together, each is read when it is wanted.

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
    train, test = ((first == name).nonzero()[0] for name in ("train", "test"))
    return Parts(
        array[train],
        _classes(folder / "train", [paths[i] for i in train.tolist()]),
        array[test],
        _classes(folder / "test", [paths[i] for i in test.tolist()]),
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


def _read_all(paths: Sequence[Path]) -> np.ndarray | ImageRows:
    """Return all images, or, where these are large, what reads them."""
    first = read_image(paths[0])
    if first.size * len(paths) > rows.STREAMED:
        return ImageRows(paths)
    array = np.empty((len(paths), *first.shape), dtype=np.uint8)
    for i, path in enumerate(paths):
        array[i] = alike(read_image(path) if i else first, path, first.shape, paths[0])
    return array
