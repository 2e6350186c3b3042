"""Whole numbers from 0 on: counts, or names of classes."""

from __future__ import annotations

from collections.abc import Callable

import torch

from nelbo.doctor.suggest.evidence import Evidence
from nelbo.doctor.suggest.families import (
    CAPPED,
    CATEGORICAL,
    COUNTS,
    DISPERSED,
    INFLATED,
    POISSON,
    ROUNDED,
    Family,
    built,
    fitted,
    ranked,
)
from nelbo.doctor.suggest.result import Evidence as Numbers
from nelbo.doctor.suggest.rules.base import Proposal, Rule, kept, ranking

CLASSES = "classes"
MOST_LEVELS = 256  # of a categorical distribution
SPARSE = 20  # examples below which frequencies of values are none

Said = Callable[[Numbers], str]
BECAUSE: dict[Family, Said] = {
    POISSON: lambda n: (
        f"Counts whose variance is {n['variance_over_mean']:.3g} times their mean: no more noise "
        "than counting makes."
    ),
    DISPERSED: lambda n: (
        f"Counts whose variance is {n['variance_over_mean']:.3g} times their mean, where a "
        "Poisson's is 1."
    ),
    INFLATED: lambda n: (
        f"Counts of which {n['zeros']:.0%} are 0, where a negative binomial of the same mean and "
        f"variance has {n['zeros_of_a_negative_binomial']:.0%}."
    ),
    CAPPED: lambda n: (
        f"Counts that end at {n['largest']:.0f}, as successes of {n['largest']:.0f} trials do."
    ),
    CATEGORICAL: lambda n: (
        f"{n['distinct_values']} distinct values whose frequencies follow no distribution of "
        "counts: rather names of classes."
    ),
    ROUNDED: lambda n: (
        f"Whole numbers {n['deviation']:.3g} apart on average, and no distribution of counts fits "
        "them better than real values do."
    ),
}


def _applies(e: Evidence) -> bool:
    return bool(e.whole.all()) and e.lowest >= 0


def _propose(e: Evidence) -> Proposal:
    x, levels = e.values, max(int(e.highest) + 1, int(e.words.max()))
    bics = fitted(_families(e, levels), x, levels)
    order = ranked(bics, x.numel()) or [ROUNDED]
    found = ranking(order, bics, x.numel(), levels=levels, trials=levels - 1)
    best = found.families[0]
    shown = _shown(e)
    transform, why = kept(e)
    likelihood = built(found.texts[0])
    assert likelihood is not None
    return Proposal(
        kind=CLASSES if best is CATEGORICAL else "counts",
        likelihood=likelihood,
        because=BECAUSE[best](shown),
        shown=shown,
        transform=transform,
        why_transform=why,
        alternatives=found.alternatives(transform),
        notes=_notes(e, best, levels),
    )


def _families(e: Evidence, levels: int) -> tuple[Family, ...]:
    if bool((e.words > 0).all()):
        return (CATEGORICAL,)
    few = len(e.sample) < SPARSE
    classes = levels <= MOST_LEVELS and not few
    return tuple(
        f for f in COUNTS if (f is not CATEGORICAL or classes) and (f is not CAPPED or not few)
    )


def _shown(e: Evidence) -> Numbers:
    mean, variance = e.mean[e.varying], e.deviation[e.varying].square()
    over = float(variance.sum() / mean.sum())
    # of a negative binomial (1 + v/r)^-r with r = m^2 / (v - m); of a Poisson e^-m
    r = mean.square() / (variance - mean).clamp_min(1e-9 * mean)
    expected = torch.exp(-r * torch.log1p(mean / r)).mean()
    return {
        "variance_over_mean": over,
        "zeros": float(e.zeros[e.varying].mean()),
        "zeros_of_a_negative_binomial": float(expected),
        "distinct_values": len(e.values.unique()),
        "deviation": float(e.deviation[e.varying].mean()),
        "largest": e.highest,
    }


def _notes(e: Evidence, best: Family, levels: int) -> tuple[str, ...]:
    if levels > MOST_LEVELS or bool((e.words > 0).all()):
        return ()
    if best is CATEGORICAL:
        return (
            "Whether the classes have an order is not to be seen in their numbers: if they "
            "count something, take a likelihood of counts.",
        )
    if levels <= 32:
        return (
            f"If the {levels} numbers are names of classes without an order, which is not to be "
            "seen in them, a categorical likelihood is the right one.",
        )
    return ()


RULE = Rule(_applies, _propose)
