"""The faster of PyTorch's two single-precision matrix products on this processor.

PyTorch hands them to MKL, whose fast kernels are for Intel alone. oneDNN, in the same PyTorch, is
behind a switch that allows bfloat16 inside; where the processor has no matrix unit for that (AMX)
oneDNN computes in single precision all the same. So: measured, its error too, and chosen once a
machine.
"""

from __future__ import annotations

import json
import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from nelbo.errors import Failed
from nelbo.files import write_atomically
from nelbo.machine import processor
from nelbo.rng import generator

DEFAULT, ONEDNN = "default", "onednn"
YES, NO = "yes", "no"
WORTH_BF16 = 1.3  # the casts cost some of it
# A choice that noise could turn would change a run's last bits from day to day.
CLEARLY = 1.05
# Relative error of single precision; bfloat16 has 4e-3.
EXACT = 2e-6
ROUNDS, REPEATS = 7, 5
# x, the gradient of the output, the weight: of a layer 784-500 at a batch of 100
SHAPES = ((100, 784), (100, 500), (500, 784))
PRODUCTS: tuple[Callable[..., Tensor], ...] = (
    lambda x, g, w: x @ w.t(),
    lambda x, g, w: g @ w,
    lambda x, g, w: g.t() @ x,
)


@contextmanager
def fast_matmul(kernel: str | None = None) -> Iterator[str]:
    """Run the block with the faster matrix product; yields its name, "default" or "onednn".

    Args:
        kernel: take this one, as a run did before; by default the one that was measured.

    Example:
        >>> with fast_matmul() as kernel:
        ...     product = torch.ones(2, 3) @ torch.ones(3, 2)
        >>> kernel in ("default", "onednn")
        True
    """
    name = chosen(torch.get_num_threads()) if kernel is None else kernel
    # chosen on another machine, perhaps, where oneDNN computes otherwise
    with _switched(name == ONEDNN and _is_free() and is_exact()):
        yield name


def chosen(threads: int) -> str:
    """Return the faster kernel on so many threads: from the user's cache, else measured (0.2 s)."""
    if not torch.backends.mkldnn.is_available() or not _is_free():
        return DEFAULT  # for now: the switch may become free
    return _chosen(threads)


@cache
def _chosen(threads: int) -> str:
    return _remembered(f"fp32, {threads} threads", _measured, (DEFAULT, ONEDNN))


@cache
def bf16_is_faster(threads: int) -> bool:
    """Return whether bfloat16 products are clearly faster than the best fp32: remembered so."""

    def answer() -> str:
        with fast_matmul():
            return YES if speedup(bf16=True) > WORTH_BF16 else NO

    return _remembered(f"bf16 is faster, {threads} threads", answer, (YES, NO)) == YES


def _measured() -> str:
    return ONEDNN if speedup() > CLEARLY else DEFAULT


def _remembered(what: str, measure: Callable[[], str], answers: tuple[str, ...]) -> str:
    """Return an answer from the user's cache, else measure it and keep it there."""
    place, key = _place(), f"{processor()}, torch {torch.__version__}, {what}"
    known = _known(place)
    if known.get(key) in answers:
        return known[key]
    answer = measure()
    with suppress(Failed, OSError):  # a folder that cannot be written costs 0.2 s a process
        place.parent.mkdir(parents=True, exist_ok=True)
        known = {**_known(place), key: answer}  # others may have added theirs meanwhile
        write_atomically(place, json.dumps(known, indent=2).encode())
    return answer


def speedup(bf16: bool = False) -> float:
    """Return how many times as fast oneDNN is, at single precision; 0 where it is less exact.

    The median over rounds of a layer's three products: forward and both gradients.

    Args:
        bf16: compare bfloat16 with what is in use instead.
    """
    if not bf16 and not is_exact():
        return 0.0
    factors = _factors()
    others = [f.bfloat16() for f in factors] if bf16 else factors
    ratios = []
    for _ in range(ROUNDS):
        before = _seconds(*factors)
        with _switched(not bf16):
            ratios.append(before / _seconds(*others))
    return statistics.median(ratios)


@cache
def is_exact() -> bool:
    """Return whether oneDNN computes in single precision on this processor."""
    return all(_error(product, *_factors()) < EXACT for product in PRODUCTS)


def _factors() -> list[Tensor]:
    random = generator(0)
    return [torch.randn(n, m, generator=random) for n, m in SHAPES]


def _error(product: Callable[..., Tensor], *factors: Tensor) -> float:
    """Return oneDNN's relative error."""
    true = product(*(f.double() for f in factors))
    with _switched(True):
        return ((product(*factors) - true).norm() / true.norm()).item()


def _seconds(*factors: Tensor) -> float:
    for product in PRODUCTS:
        product(*factors)
    start = time.perf_counter()
    for _ in range(REPEATS):
        for product in PRODUCTS:
            product(*factors)
    return time.perf_counter() - start


def _switch() -> Any:
    """Return PyTorch's switch; older versions have none."""
    matmul = getattr(torch.backends.mkldnn, "matmul", None)
    return matmul if hasattr(matmul, "fp32_precision") else None


def _is_free() -> bool:
    """Whether the user has left the switch alone."""
    return _switch() is not None and _switch().fp32_precision in ("none", "ieee")


@contextmanager
def _switched(on: bool) -> Iterator[None]:
    switch = _switch()
    if not on or switch is None:
        yield
        return
    before = switch.fp32_precision
    switch.fp32_precision = "bf16"
    try:
        yield
    finally:
        switch.fp32_precision = before


def _place() -> Path:
    import pooch

    return Path(os.environ.get("NELBO_CACHE") or pooch.os_cache("nelbo")) / "matmul.json"


def _known(place: Path) -> dict[str, Any]:
    try:
        found = json.loads(place.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
