"""When a checkpoint within an epoch is due."""

from __future__ import annotations

import time

from nelbo.world import World

EVERY = 60.0  # seconds of training, the most that a killed process costs
LOOK = 1.0  # seconds, about, between two looks at the clock


class Periodic:
    """Says when the last checkpoint is so old that another is due, in all processes at once.

    The main process's clock counts. To hear of it the processes wait for each other, so that they
    do not after every step, but after as many as take a second at the present pace.

    Args:
        world: the processes.

    Example:
        >>> from nelbo.world import ALONE
        >>> Periodic(ALONE).due(step=1)
        False
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self._saved = self._looked = time.perf_counter()
        self._step: int | None = None
        self._next = 0

    def saved(self) -> None:
        """Note that a checkpoint was written."""
        self._saved = time.perf_counter()

    def due(self, step: int) -> bool:
        """Return whether to write one after this step."""
        if step < self._next:
            return False
        due, self._next = self.world.on_main(lambda: self._look(step))
        return due

    def _look(self, step: int) -> tuple[bool, int]:
        """Return whether one is due, and after which step to look again."""
        now = time.perf_counter()
        taken = 1 if self._step is None else step - self._step  # a resumed run begins anywhere
        pace = taken / max(now - self._looked, 1e-9)
        wait = min(2 * taken, int(min(LOOK, EVERY) * pace))  # at most twice as long as this time
        self._step, self._looked = step, now
        return now - self._saved >= EVERY, step + max(1, wait)
