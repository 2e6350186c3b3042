"""Real numbers: of any sign, or positive and skewed, with light tails or heavy ones."""

from __future__ import annotations

import torch
from jaxtyping import Float64
from torch import Tensor

from nelbo.doctor.suggest.evidence import Evidence
from nelbo.doctor.suggest.families import (
    DENSITIES,
    GAUSSIAN,
    LOG_NORMAL,
    PER_FEATURE,
    Family,
    built,
    fitted,
    ranked,
)
from nelbo.doctor.suggest.result import Evidence as Numbers
from nelbo.doctor.suggest.rules.base import (
    Proposal,
    Ranking,
    Rule,
    kept,
    known,
    ranking,
    transform_for,
)

SPIKE = 0.2  # share of one value above which a density is none
UNEVEN = 4.0  # ratio of deviations above which one scale does not suit all features
FAR = 10.0  # from 1: where networks do not begin
TAIL = 4.0  # deviations
PLAIN = "real values"
STANDARDISE = "standardise"


def _propose(e: Evidence) -> Proposal:
    x = e.values
    spike = float(e.zeros[e.varying].max())
    families = (GAUSSIAN,) if spike > SPIKE else DENSITIES
    bics = fitted(families, x, levels=2)
    order = ranked(bics, x.numel()) or [GAUSSIAN]
    shown = _shown(e, x)
    uneven = shown["largest_deviation"] > UNEVEN * shown["smallest_deviation"]
    scaled = known(STANDARDISE) and e.transform is None
    found = ranking(order, bics, x.numel())
    logs = found.families[0] is LOG_NORMAL
    own = uneven and not e.is_image and not scaled and not logs
    if own and found.families[0] is GAUSSIAN and PER_FEATURE.text():
        texts = (PER_FEATURE.texts[0], *found.texts[1:])
        found = Ranking(found.families, texts, found.behind, found.passed)
    far = is_far(shown["mean"], shown["mean_deviation"])
    wants = (uneven or far) and not logs
    transform, why = kept(e)
    if wants and scaled:
        transform, why = transform_for(e, STANDARDISE, _standardise(shown))
    notes = [_TOLD] if spike > SPIKE else []
    if wants and not scaled:
        notes.append(f"{_standardise(shown)} No transform does: x = (x - x.mean(0)) / x.std(0).")
    likelihood = built(found.texts[0])
    assert likelihood is not None
    return Proposal(
        kind="positive, skewed real values" if logs else PLAIN,
        likelihood=likelihood,
        because=_because(found.families[0], shown, spike),
        shown=shown,
        transform=transform,
        why_transform=why,
        alternatives=found.alternatives(transform),
        notes=tuple(notes),
    )


_TOLD = (
    "Many values are exactly 0, and no density has an atom: the likelihood can be made as large as "
    "one likes there. Keep sigma from following it, or model the zeros apart."
)


def _standardise(shown: Numbers) -> str:
    low, high = shown["smallest_deviation"], shown["largest_deviation"]
    return (
        f"The features' deviations run from {low:.3g} to {high:.3g}, about a mean of "
        f"{shown['mean']:.3g}, and networks begin with 1 about 0: standardise them."
    )


def _shown(e: Evidence, x: Float64[Tensor, "examples features"]) -> dict[str, float]:
    deviation = e.deviation[e.varying]
    z = (x - x.mean(0)) / x.std(0, correction=0).clamp_min(1e-300)
    return {
        "skewness": float((z**3).mean(0).median()),
        "excess_kurtosis": float((z**4).mean(0).median()) - 3,
        "beyond_4_deviations": float((z.abs() > TAIL).double().mean()),
        "mean": float(e.mean.nanmean()),
        "mean_deviation": float(deviation.mean()),
        "smallest_deviation": float(deviation.min()),
        "largest_deviation": float(deviation.max()),
    }


def _because(best: Family, shown: Numbers, spike: float) -> str:
    if best is LOG_NORMAL:
        return (
            f"Every value is positive and they are skewed ({shown['skewness']:.2g}); their "
            "logarithms are not."
        )
    if best is not GAUSSIAN:
        return (
            f"Tails are heavy: excess kurtosis {shown['excess_kurtosis']:.2g}, where a Gaussian's "
            f"is 0, and {best.when}."
        )
    if spike > SPIKE:
        return f"Real values, of which up to {spike:.0%} of a feature's are exactly 0."
    return (
        f"Real values without heavy tails (excess kurtosis {shown['excess_kurtosis']:.2g}); "
        "a learned sigma finds how exact reconstructions can be."
    )


def is_far(mean: float, deviation: float) -> bool:
    """Return whether values are far from where networks begin."""
    return not 1 / FAR < deviation < FAR or abs(mean) > FAR


def is_skewed(e: Evidence) -> bool:
    """Return whether positive values are clearly log-normal rather than normal."""
    if e.lowest <= 0:
        return False
    bics = fitted((GAUSSIAN, LOG_NORMAL), e.values, levels=2)
    return ranked(bics, e.values.numel())[0] is LOG_NORMAL


def anything(e: Evidence) -> bool:
    """Return True: every finite value is real."""
    return bool(torch.isfinite(torch.tensor(e.lowest)))


RULE = Rule(anything, _propose)
