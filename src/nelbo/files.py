"""Files that are whole or not there at all."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from nelbo.errors import Failed


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file whole or not at all: a new file beside it takes its place when complete.

    Raises:
        RuntimeError: the disk is full, or the folder is missing or cannot be written.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "a"
        >>> write_atomically(path, b"all of it")
        >>> path.read_bytes()
        b'all of it'
    """
    # a name of its own: two that write the same file at once never mix their bytes
    new = path.with_name(f".{path.name}.{secrets.token_hex(8)}.new")
    try:
        with open(new, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, path)
        _settle(path.parent)
    except FileNotFoundError as error:
        raise Failed(
            f"writing {path}",
            expected=f"the folder {path.parent}",
            got=f"'{error.strerror}'",
            fix="Make it, or put it back if it was moved or deleted.",
        ) from None
    except OSError as error:
        raise Failed(
            f"writing {path}",
            expected="a folder with room and permission to write",
            got=f"'{error.strerror}'",
            fix="Free some space or choose another place; what was saved before is intact.",
        ) from None
    finally:
        with suppress(OSError):  # the one that counts is on its way already
            new.unlink(missing_ok=True)


def _settle(folder: Path) -> None:
    """Make a new name outlive a power cut; Windows cannot, nor can every network drive."""
    if os.name != "posix":
        return
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
