"""`ImageRows`: image files, each read when it is wanted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Int64, Shaped
from torch import Tensor

from nelbo.data.image_file import alike, image_shape, read_image, unlike
from nelbo.data.rows import Rows, digest
from nelbo.data.steady_file import PUT_BACK
from nelbo.errors import BadValue, Failed

_SAMPLED = 64  # files of which the digest is made


class ImageRows(Rows):
    """Images of one size and kind, as uint8 [n, channels, height, width].

    Sizes and kinds are looked at beforehand, in the files' first bytes; whether the rest of a
    file can be read shows when it is.

    Args:
        paths: of the files.

    Raises:
        ValueError: a file that is no image, or unlike the first.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self.paths, self.dtype = paths, torch.uint8
        shape = image_shape(paths[0])
        for path in paths:
            found = image_shape(path)
            if found != shape:
                raise unlike(path, found, paths[0], shape)
        self.shape = (len(paths), *shape)

    def read(self, numbers: Int64[Tensor, " b"]) -> Shaped[Tensor, " b *shape"]:
        """Return the images of these numbers, in this order; see `Rows.read`."""
        array = np.empty((len(numbers), *self.shape[1:]), np.uint8)
        for i, number in enumerate(numbers.tolist()):
            path = self.paths[number]
            array[i] = alike(self._image(path), path, self.shape[1:], self.paths[0])
        return torch.from_numpy(array)

    def identity(self) -> str:
        """Return the SHA-256 of all names, and of 64 files, evenly spaced."""
        count = len(self.paths)
        chosen = {i * count // _SAMPLED for i in range(_SAMPLED)}
        names = "\n".join(path.name for path in self.paths)
        try:
            return digest([names.encode(), *(self.paths[i].read_bytes() for i in sorted(chosen))])
        except FileNotFoundError as error:
            raise _gone(error.filename) from None

    def _image(self, path: Path) -> np.ndarray:
        try:
            return read_image(path)
        except BadValue:
            if path.exists():
                raise
            raise _gone(path) from None


def _gone(path: Path | str) -> Failed:
    return Failed(str(path), expected="the image that was there", got="no such file", fix=PUT_BACK)
