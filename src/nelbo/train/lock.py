"""One run, one process: a lock on the run's folder."""

from __future__ import annotations

import os
from pathlib import Path

from nelbo.errors import Failed

if os.name == "posix":
    import fcntl


class Lock:
    """An advisory lock on a folder itself, which leaves no file behind.

    The kernel holds it for as long as the process has the folder open: however the process ends,
    the lock ends with it. Windows has no such lock, nor have some network drives: there nobody is
    kept from anything.

    Args:
        folder: what to lock.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._descriptor: int | None = None

    def take(self) -> None:
        """Lock the folder, unless it is locked by this object already.

        Raises:
            RuntimeError: somebody else has it.
        """
        if self._descriptor is not None or os.name != "posix":
            return
        try:
            descriptor = os.open(self.folder, os.O_RDONLY)
        except OSError:  # whoever writes there will say what is wrong
            return
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise self._taken() from None
        except OSError:  # no locks on this drive
            os.close(descriptor)
            return
        self._descriptor = descriptor

    def release(self) -> None:
        """Unlock the folder, where it is locked by this object."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _taken(self) -> Failed:
        return Failed(
            f"run {self.folder}",
            expected="a folder that no other process is writing to",
            got="one in which a run is going on",
            fix="Wait for it to end or stop it, or choose another folder.",
        )
