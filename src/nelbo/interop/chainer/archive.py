"""Arrays out of an .npz file that nobody vouches for: every failure is one clear line."""

from __future__ import annotations

import io
import os
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np

from nelbo.errors import BadValue, nearest

File = str | os.PathLike[str] | io.BufferedIOBase

_UNREADABLE = (
    OSError,
    EOFError,
    ValueError,
    MemoryError,
    OverflowError,
    RuntimeError,
    zipfile.BadZipFile,
    zlib.error,
)


def read_arrays(file: File, path: str, names: tuple[str, ...], strict: bool) -> dict[str, Any]:
    """Return the arrays `path + name` of an .npz file by their names.

    Raises:
        ValueError: the file cannot be read; or, if `strict`, a name is missing or unknown.
    """
    what = str(file) if isinstance(file, str | os.PathLike) else "file"
    try:
        with _archive(file) as npz:
            there = [k[len(path) :] for k in npz.files if k.startswith(path)]
            if strict:
                _check_names(what, path, there, names)
            return {name: npz[path + name] for name in names if name in there}
    except BadValue:
        raise
    except _UNREADABLE as error:
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise BadValue(
            what,
            expected="a .npz file as Chainer's save_npz writes it",
            got=said,
            fix="Copy or write the file again.",
        ) from None


@contextmanager
def _archive(file: File) -> Iterator[Any]:
    with ExitStack() as stack:
        if isinstance(file, str | os.PathLike):
            file = stack.enter_context(open(file, "rb"))  # numpy forgets to close a broken one
        try:
            npz = np.load(file, allow_pickle=False)
        except ValueError:  # whose text advises to load pickles unsafely
            raise OSError("no zip archive, perhaps a pickle") from None
        if isinstance(npz, np.ndarray):
            raise OSError("a single array (.npy)")
        yield stack.enter_context(npz)


def _check_names(what: str, path: str, there: list[str], names: tuple[str, ...]) -> None:
    for name in names:
        if name not in there:
            fix = nearest(name, there) if there else "Is `path` right?"
            raise BadValue(what, expected=f"a weight '{path}{name}'", got="none", fix=fix)
    for name in there:
        if name not in names:
            raise BadValue(
                what,
                expected="weights of the model only",
                got=f"'{path}{name}'",
                fix="Pass strict=False to skip it.",
            )
