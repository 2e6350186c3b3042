"""Positions on axes: ticks, and labels that keep clear of each other."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from matplotlib.ticker import MaxNLocator

Place = Callable[[float], float]


def ticks(low: float, high: float, about: int = 3) -> list[float]:
    """Return round numbers inside [low, high].

    Example:
        >>> ticks(0.0, 21.3)
        [0.0, 10.0, 20.0]
    """
    values = MaxNLocator(about, steps=[1, 2, 5, 10]).tick_values(low, high)
    return [float(v) for v in values if low <= v <= high]


def decades(low: float, high: float) -> list[float]:
    """Return the powers of ten inside [low, high].

    Example:
        >>> decades(0.05, 200.0)
        [0.1, 1.0, 10.0, 100.0]
    """
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    return [10.0**k for k in range(first, last + 1)]


def linear(low: float, high: float, start: float, end: float) -> Place:
    """Return the map of [low, high] to [start, end]."""
    return lambda v: start + (v - low) / (high - low) * (end - start)


def logarithmic(low: float, high: float, start: float, end: float) -> Place:
    """Return the map of [low, high], on a logarithmic scale, to [start, end]; clipped at low."""
    place = linear(math.log(low), math.log(high), start, end)
    return lambda v: place(math.log(max(v, low)))


def apart(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Return positions near the wanted ones, at least `gap` apart where [low, high] allows.

    Example:
        >>> apart([10.0, 12.0, 40.0], gap=8.0, low=0.0, high=100.0)
        [7.0, 15.0, 40.0]
    """
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    clusters: list[list[int]] = []
    for i in order:
        clusters.append([i])
        while len(clusters) > 1 and _touch(clusters[-2], clusters[-1], wanted, gap):
            last = clusters.pop()
            clusters[-1] += last
    found = [0.0] * len(wanted)
    for cluster in clusters:
        first = _first(cluster, wanted, gap)
        first = max(low, min(first, high - gap * (len(cluster) - 1)))
        for k, i in enumerate(cluster):
            found[i] = first + gap * k
    return found


def _first(cluster: list[int], wanted: Sequence[float], gap: float) -> float:
    middle = sum(wanted[i] for i in cluster) / len(cluster)
    return middle - gap * (len(cluster) - 1) / 2


def _touch(a: list[int], b: list[int], wanted: Sequence[float], gap: float) -> bool:
    end = _first(a, wanted, gap) + gap * (len(a) - 1)
    return _first(b, wanted, gap) - end < gap
