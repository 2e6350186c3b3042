"""Reading ahead, in a thread."""

from __future__ import annotations

import threading
import weakref
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

from nelbo.errors import BadValue

T = TypeVar("T")
DEPTH = 4  # batches
_PATIENCE = 5.0  # seconds for the one batch that is being read when nobody wants more


class Prefetched(Iterator[T], Generic[T]):
    """What an iterable gives, in its order, read ahead by a thread, at most `depth` items.

    The thread begins with the first item and ends with the last, with an error, which is then
    raised here, or when this iterator is closed or forgotten. What draws from torch's global
    generator has no place in a thread.

    Args:
        items: what is read, by the thread alone.
        depth: how many items may be in memory before they are asked for, at least 1.

    Raises:
        ValueError: `depth` below 1.

    Example:
        >>> list(Prefetched(range(5), depth=2))
        [0, 1, 2, 3, 4]
    """

    def __init__(self, items: Iterable[T], depth: int = DEPTH) -> None:
        if depth < 1:
            fix = f"Try {DEPTH}."
            raise BadValue("prefetch", expected="an integer of at least 1", got=depth, fix=fix)
        self._shelf: _Shelf[T] = _Shelf(items, depth)
        # a daemon, lest an iterator that an error keeps alive keep the interpreter from ending;
        # then, too, the finaliser stops it
        self._thread = threading.Thread(target=self._shelf.fill, name="nelbo-prefetch", daemon=True)
        self._end = weakref.finalize(self, _end, self._shelf, self._thread)

    def __next__(self) -> T:
        if self._thread.ident is None and self._end.alive:
            self._thread.start()
        return self._shelf.take()

    def close(self) -> None:
        """Stop reading and wait for the thread; after this there are no more items."""
        self._end()


class _Shelf(Generic[T]):
    """Where the thread puts items and the consumer finds them; knows nothing of either."""

    def __init__(self, items: Iterable[T], depth: int) -> None:
        self.items, self.depth = items, depth
        self.changed = threading.Condition()
        self.ready: deque[T] = deque()
        self.done, self.error = False, None

    def fill(self) -> None:
        try:
            for item in self.items:
                if not self._put(item):
                    break
        except BaseException as error:  # raised again where somebody hears it
            self.stop(error)
        self.stop()

    def _put(self, item: T) -> bool:
        """Put down an item as soon as there is room; False where nobody wants it."""
        with self.changed:
            self.changed.wait_for(lambda: self.done or len(self.ready) < self.depth)
            if not self.done:
                self.ready.append(item)
                self.changed.notify_all()
            return not self.done

    def take(self) -> T:
        with self.changed:
            self.changed.wait_for(lambda: self.done or self.ready)
            if self.ready:
                item = self.ready.popleft()
                self.changed.notify_all()
                return item
            error, self.error = self.error, None
        if error is not None:
            raise error
        raise StopIteration

    def stop(self, error: BaseException | None = None) -> None:
        with self.changed:
            if not self.done:
                self.done, self.error = True, error
            self.changed.notify_all()

    def clear(self) -> None:
        with self.changed:  # at once, lest the thread find room between the two
            self.stop()
            self.ready.clear()
            self.error = None


def _end(shelf: _Shelf[T], thread: threading.Thread) -> None:
    shelf.clear()
    if thread.is_alive() and thread is not threading.current_thread():
        thread.join(_PATIENCE)
