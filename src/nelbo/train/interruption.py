"""Ctrl-C that waits for the step to end."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(KeyboardInterrupt):
    """The run was stopped by the user; its text says what was saved and how to go on."""


@contextmanager
def interruption() -> Iterator[Callable[[], bool]]:
    """Run the block with a first Ctrl-C only noted; a second one stops at once.

    Yields a function that says whether a signal came. Outside the main thread, where Python
    delivers no signals, none ever comes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    came: list[int] = []
    before = {number: signal.getsignal(number) for number in SIGNALS}
    # what the caller ignores stays ignored (a shell's background jobs), what C set stays set
    before = {n: h for n, h in before.items() if h not in (signal.SIG_IGN, None)}

    def note(number: int, _frame: FrameType | None) -> None:
        if came:
            raise KeyboardInterrupt
        came.append(number)

    for number in before:
        signal.signal(number, note)
    try:
        yield lambda: bool(came)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
