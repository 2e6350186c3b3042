"""Prefetched: the same items, and no thread that outlives its use."""

import gc
import subprocess
import sys
import threading
import time
from collections import deque

import numpy as np
import pytest
import torch

from nelbo.data import MapDataset, NpyRows, OnDisk
from nelbo.data.prefetch import Prefetched
from nelbo.errors import BadValue
from nelbo.rng import generator


def threads():
    return [t for t in threading.enumerate() if t.name == "nelbo-prefetch"]


@pytest.fixture(autouse=True)
def _no_thread_is_left():
    assert not threads()
    yield
    gc.collect()
    assert not threads()


def endless(seen):
    i = 0
    while True:
        seen.append(i)
        yield i
        i += 1


@pytest.mark.parametrize("depth", [1, 2, 9])
def test_the_same_items_in_the_same_order(depth):
    assert list(Prefetched(range(100), depth)) == list(range(100))


def test_it_reads_ahead_and_no_farther():
    seen = []
    ahead = Prefetched(endless(seen), depth=3)
    assert next(ahead) == 0
    deadline = time.monotonic() + 5
    while len(seen) < 5 and time.monotonic() < deadline:
        time.sleep(0.001)
    time.sleep(0.05)
    assert len(seen) == 5  # one handed out, three ready, one in the thread's hand
    ahead.close()
    assert list(ahead) == []


def test_a_forgotten_iterator_ends_its_thread():
    ahead = Prefetched(endless([]))
    next(ahead)
    assert len(threads()) == 1
    del ahead


def test_an_iterator_that_nobody_starts_has_no_thread():
    ahead = Prefetched(endless([]))
    assert not threads()
    ahead.close()
    assert list(ahead) == []


def test_an_error_comes_in_its_turn():
    def items():
        yield 1
        yield 2
        raise ValueError("the third is broken")

    ahead, seen = Prefetched(items()), []
    with pytest.raises(ValueError, match="the third is broken"):
        seen.extend(x for x in iter(lambda: (time.sleep(0.01), next(ahead))[1], None))
    for _ in range(2):
        assert next(ahead, "no more") == "no more"


def test_a_loop_that_is_left_by_an_error_leaves_no_thread():
    def work():
        for i in Prefetched(endless([])):
            if i == 3:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work()


@pytest.mark.parametrize("end", ["", "raise KeyboardInterrupt", "sys.exit(3)"])
def test_the_interpreter_ends_while_something_is_read(end):
    code = f"""
import itertools, sys, time
from nelbo.data.prefetch import Prefetched
def slow():
    for i in itertools.count():
        time.sleep(0.02)
        yield i
ahead = Prefetched(slow())
print(next(ahead), next(ahead), flush=True)
{end}
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert found.stdout == "0 1\n"
    assert found.returncode == {"": 0, "sys.exit(3)": 3}.get(end, found.returncode)
    assert "Fatal" not in found.stderr


@pytest.mark.parametrize("transform", ["scale", "dynamic_binarise", "dequantise"])
def test_random_transforms_draw_as_if_nothing_were_read_ahead(tmp_path, transform):
    array = np.random.default_rng(0).integers(0, 256, (40, 5), dtype=np.uint8)
    np.save(tmp_path / "x.npy", array)
    items = [torch.from_numpy(row) for row in array]
    made = [OnDisk(NpyRows(tmp_path / "x.npy"), transform)]
    made += [MapDataset(items, transform, prefetch) for prefetch in (0, 1, 7)]
    found = []
    for source in made:
        torch.manual_seed(5)
        found.append([(x, torch.rand(1)) for x in source.epoch(7, generator(2))])
    for other in found[1:]:
        for (x, noise), (y, same) in zip(found[0], other, strict=True):
            assert torch.equal(x, y)
            assert torch.equal(noise, same)


def test_there_is_room_for_one_at_least(one_line):
    with pytest.raises(BadValue, match="at least 1") as error:
        Prefetched(range(3), depth=0)
    one_line(error)
    with pytest.raises(BadValue, match="prefetch: expected an integer of at least 0"):
        MapDataset([torch.zeros(2)], prefetch=-1)


def test_closed_it_gives_nothing_that_was_being_read():
    waiting, read = threading.Event(), threading.Event()

    class Shelf(deque):
        """Lets the thread put down what it has in hand while it is cleared."""

        def clear(self):
            super().clear()
            waiting.set()
            read.wait(0.2)

    def items():
        yield 0
        waiting.wait(5)
        yield 1
        read.set()

    ahead = Prefetched(items(), depth=1)
    assert next(ahead) == 0
    ahead._shelf.ready = Shelf()
    ahead.close()
    assert list(ahead) == []


def test_an_error_after_the_end_is_nobodys():
    closing = threading.Event()

    def items():
        yield 0
        closing.wait(5)
        time.sleep(0.05)
        raise ValueError("too late")

    ahead = Prefetched(items(), depth=1)
    assert next(ahead) == 0
    closing.set()
    ahead.close()
    assert list(ahead) == []
