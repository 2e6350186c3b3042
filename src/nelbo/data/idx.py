"""IDX, the format of MNIST's files: http://yann.lecun.com/exdb/mnist/, "THE IDX FILE FORMAT"."""

from __future__ import annotations

import gzip
import hashlib
import math
import struct
import zlib
from io import BufferedIOBase
from pathlib import Path

import numpy as np

from nelbo.data.checksums import FILES
from nelbo.data.parts import Parts
from nelbo.errors import BadValue

_AGAIN = "Copy or download the file again."
_DEFLATE = 1100  # no gzip file holds more than 1032 times its own size


def read_idx(path: Path, sha256: str | None = None, fix: str = _AGAIN) -> np.ndarray:
    """Return the uint8 array of an IDX file, gzip-compressed or not.

    Args:
        path: the file.
        sha256: digest of the uncompressed file, 64 hexadecimal digits; None checks none.
        fix: what a bad file's error advises.

    Raises:
        ValueError: a file that is truncated, too long, not IDX of bytes, or of another digest.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "two-idx1-ubyte"
        >>> _ = path.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 2, 7, 9]))
        >>> read_idx(path)
        array([7, 9], dtype=uint8)
    """
    try:
        with _open(path) as file:
            return _read(file, path, sha256, fix)
    except (OSError, EOFError, zlib.error) as error:
        raise _bad(path, "a complete gzip or IDX file", error, fix) from None


def read_four(folder: Path, sha256: dict[str, str], fix: str) -> Parts:
    """Return MNIST's four files, images as [n, 1, height, width]; compressed ones are found too."""
    images, labels, test, test_labels = (
        read_idx(find(folder, name) or folder / f"{name}.gz", sha256[name], fix) for name in FILES
    )
    return Parts(images[:, None], labels, test[:, None], test_labels)


def find(folder: Path, name: str) -> Path | None:
    """Return the path of a file in the folder, `name.gz` or `name`; None where there is none."""
    return next((p for p in (folder / f"{name}.gz", folder / name) if p.is_file()), None)


def _open(path: Path) -> BufferedIOBase:
    with path.open("rb") as file:
        compressed = file.read(2) == b"\x1f\x8b"
    return gzip.open(path, "rb") if compressed else path.open("rb")


def _read(file: BufferedIOBase, path: Path, sha256: str | None, fix: str) -> np.ndarray:
    head = file.read(4)
    if len(head) < 4 or head[:3] != b"\0\0\x08" or head[3] == 0:
        raise _bad(path, "an IDX header 00 00 08 of unsigned bytes", head.hex(" ") or "none", fix)
    sizes = file.read(4 * head[3])
    if len(sizes) < 4 * head[3]:
        raise _bad(path, f"{head[3]} axis sizes", f"{len(sizes)} bytes", fix)
    shape = struct.unpack(f">{head[3]}I", sizes)
    if math.prod(shape) > _DEFLATE * path.stat().st_size:
        raise _bad(path, f"{math.prod(shape)} bytes of data", "a file too small for them", fix)
    digest = hashlib.sha256(head + sizes)
    array = np.empty(math.prod(shape), dtype=np.uint8)
    got = _fill(array, file, digest)
    if got < array.size or file.read(1):
        length = f"{got} bytes" if got < array.size else "more"
        raise _bad(path, f"{array.size} bytes of data", length, fix)
    if sha256 is not None and digest.hexdigest() != sha256:
        raise _bad(path, f"SHA-256 {sha256[:12]}...", f"{digest.hexdigest()[:12]}...", fix)
    return array.reshape(shape)


def _fill(array: np.ndarray, file: BufferedIOBase, digest: hashlib._Hash) -> int:
    view, position = array.data, 0
    while position < array.size:
        block = file.read(min(2**20, array.size - position))
        if not block:
            break
        view[position : position + len(block)] = block
        digest.update(block)
        position += len(block)
    return position


def _bad(path: Path, expected: str, got: object, fix: str) -> BadValue:
    return BadValue(str(path), expected=expected, got=got, fix=fix)
