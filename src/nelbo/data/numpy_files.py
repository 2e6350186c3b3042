"""NumPy's files, .npy and .npz; never a pickle."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from nelbo.data.parts import Parts
from nelbo.errors import BadValue

_PAIRS = (("train", "test"), ("x_train", "x_test"))
_HEADERS = {1: np.lib.format.read_array_header_1_0, 2: np.lib.format.read_array_header_2_0}
_LABELS = ("labels", "y_train", "y_test")
_BROKEN = (
    ValueError,
    OSError,
    EOFError,
    KeyError,
    MemoryError,
    SyntaxError,
    NotImplementedError,
    RuntimeError,
    zipfile.BadZipFile,
    zlib.error,
)


def npy_header(path: Path) -> tuple[tuple[int, ...], bool, np.dtype, int]:
    """Return a .npy file's shape, whether it is in Fortran's order, type, and where data begins.

    Raises:
        ValueError: no .npy file.
    """
    try:
        with path.open("rb") as file:
            version = np.lib.format.read_magic(file)
            read = _HEADERS.get(version[0])
            if read is None:
                raise ValueError(f"a .npy file of version {version}")
            return (*read(file), file.tell())
    except _BROKEN as error:
        raise _bad(path, error) from None


def read_npy(path: Path) -> Parts:
    """Return the array of a .npy file; ValueError when it is truncated, tampered or pickled."""
    with _opened(path) as array:
        pass
    if not isinstance(array, np.ndarray):
        raise BadValue(
            str(path), expected="one array", got="a .npz archive", fix="Rename it to .npz."
        )
    return Parts(array)


def read_npz(path: Path) -> Parts:
    """Return the arrays of a .npz file.

    It holds `train` and `test`, or `x_train` and `x_test`, or one array under any name; besides,
    if known, `labels` or `y_train`, and `y_test`.

    Raises:
        ValueError: truncated, tampered or pickled, or keys that leave open which array is meant.
    """
    with _opened(path) as archive:
        if isinstance(archive, np.ndarray):
            raise BadValue(
                str(path), expected="a .npz archive", got="one array", fix="Rename it to .npy."
            )
        train, test = _keys(path, archive.files)
        labels = next((k for k in ("y_train", "labels") if k in archive.files), None)
        test_labels = "y_test" if "y_test" in archive.files else None
        return Parts(
            train=_member(path, archive, train),
            labels=_member(path, archive, labels),
            test=_member(path, archive, test),
            test_labels=_member(path, archive, test_labels),
        )


def _keys(path: Path, keys: list[str]) -> tuple[str, str | None]:
    """Return the keys of the training array and of the test array, if there is one."""
    arrays = [key for key in keys if key not in _LABELS]
    for pair in _PAIRS:
        if sorted(arrays) == sorted(pair):
            return pair
    if len(arrays) == 1 and "y_test" not in keys:
        return arrays[0], None
    raise BadValue(
        str(path),
        expected="the keys train and test, x_train and x_test, or one array",
        got=", ".join(keys) or "no keys",
        fix="Save with numpy.savez(path, train=..., test=...).",
    )


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """Give what `numpy.load` makes of a file; close the file afterwards, whatever happens."""
    with ExitStack() as stack:
        try:
            file = stack.enter_context(path.open("rb"))
            loaded = np.load(file, allow_pickle=False)
        except _BROKEN as error:
            raise _bad(path, error) from None
        yield loaded


def _member(path: Path, archive: Any, key: str | None) -> np.ndarray | None:
    try:
        return None if key is None else archive[key]
    except _BROKEN as error:
        raise _bad(f"{path}, '{key}'", error) from None


def _bad(what: Path | str, error: Exception) -> BadValue:
    text = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
    if "Object arrays" in text:
        return BadValue(
            str(what),
            expected="numbers",
            got="pickled objects, never loaded",
            fix="Save a numeric array: array.astype('float32').",
        )
    if "pickle" in text:  # NumPy takes whatever it does not know for a pickle
        text = "something else, perhaps a pickle, which is never loaded"
    return BadValue(
        str(what),
        expected="a complete NumPy file",
        got=text,
        fix="Copy it again, or save it anew with numpy.save or savez.",
    )
