"""`SteadyFile`: a file that must stay as it was while it is read, again and again."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from nelbo.errors import BadValue, Failed

_AT_ONCE = hasattr(os, "preadv")  # in one call, where the system has it
_BLOCKS, _BLOCK = 64, 2**16  # that stand for a file, and the bytes of each
PUT_BACK = "Put it back as it was; a run that has a folder can then be resumed."


@dataclass(frozen=True)
class SteadyFile:
    """A file as it was when it was first looked at; opened for each read, by any thread.

    Args:
        path: where it is.
        size: in bytes.
        changed: when it was last written to, in nanoseconds; None where that is no matter.
    """

    path: Path
    size: int
    changed: int | None

    @classmethod
    def now(cls, path: Path, may_change: bool = False) -> SteadyFile:
        """Return the file as it is now; ValueError where there is none."""
        try:
            found = path.stat()
        except OSError as error:
            got, fix = error.strerror, "Check the path."
            raise BadValue(str(path), expected="a file", got=got, fix=fix) from None
        return cls(path.absolute(), found.st_size, None if may_change else found.st_mtime_ns)

    @contextmanager
    def opened(self) -> Iterator[IO[bytes]]:
        """Give the file, unbuffered.

        Raises:
            RuntimeError: it is gone, or is not what it was, or cannot be read.
        """
        try:
            with self.path.open("rb", buffering=0) as file:
                found = os.fstat(file.fileno())
                if found.st_size != self.size:
                    raise self.not_as_it_was(f"{found.st_size:,}")
                if self.changed not in (None, found.st_mtime_ns):
                    raise self.not_as_it_was("another, written since")
                yield file
        except FileNotFoundError:
            raise self.not_as_it_was("no such file") from None
        except OSError as error:
            raise self.not_as_it_was(error.strerror or type(error).__name__) from error

    def fill(self, file: IO[bytes], view: memoryview, position: int) -> None:
        """Fill some memory with the file's bytes from a position; RuntimeError at its end."""
        while view:
            count = _read_at(file, view, position)
            if not count:
                raise self.not_as_it_was(f"{position:,}, the end of it")
            position, view = position + count, view[count:]

    def sampled(self, start: int, size: int) -> Iterator[bytes]:
        """Yield 64 blocks of a stretch of the file, evenly spaced, the first and the last too."""
        block = min(_BLOCK, size)
        with self.opened() as file:
            for position in sorted({(size - block) * i // (_BLOCKS - 1) for i in range(_BLOCKS)}):
                found = bytearray(block)
                self.fill(file, memoryview(found), start + position)
                yield bytes(found)

    def not_as_it_was(self, got: str) -> Failed:
        """Return the error of a file that is not what it was."""
        return Failed(
            str(self.path),
            expected=f"the file that it was, of {self.size:,} bytes",
            got=got,
            fix=PUT_BACK,
        )


def _read_at(file: IO[bytes], view: memoryview, position: int) -> int:
    """Read what one call gives from a position; return how many bytes."""
    if _AT_ONCE:
        return os.preadv(file.fileno(), [view], position)
    file.seek(position)
    return file.readinto(view)  # pyright: ignore[reportAttributeAccessIssue]
