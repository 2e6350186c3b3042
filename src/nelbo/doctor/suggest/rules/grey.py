"""Images of 8 bits: bytes, or their multiples of 1/255."""

from __future__ import annotations

import torch
from jaxtyping import Float64
from torch import Tensor

from nelbo.doctor.suggest.evidence import Evidence
from nelbo.doctor.suggest.families import (
    BERNOULLI,
    CONTINUOUS,
    DISCRETISED,
    GAUSSIAN,
    MIXTURE,
    Family,
    built,
)
from nelbo.doctor.suggest.result import Alternative
from nelbo.doctor.suggest.rules.base import Proposal, Rule, transform_for

FEW_LEVELS = 16  # fewer grey levels may be counts, or shares of a small number
DARK = 64  # bytes of tables that stay below are no grey levels
NOISE = 1 / 3  # of the variance that drawing bits may add
SCALED = "It divides bytes by 255, and a network's outputs begin near there."


def _applies(e: Evidence) -> bool:
    if e.dtype == torch.uint8:
        return e.is_image or e.highest >= DARK
    levels = len(e.sample[: 2**20 // max(1, e.features) + 1].unique())
    return bool(e.grey.all()) and levels > FEW_LEVELS


# E[x(1-x)] / sum m(1-m): of the variance of bits with P(b = 1) = x the share that drawing them adds
def drawn_noise(x: Float64[Tensor, "examples features"]) -> float:
    """Return which share of the variance is noise when grey levels are drawn as bits."""
    mean = x.mean(0)
    return float((x * (1 - x)).mean(0).sum() / (mean * (1 - mean)).sum())


def _propose(e: Evidence) -> Proposal:
    x = e.sample[:: max(1, len(e.sample) // 4000)].double() / (255 if e.dtype == torch.uint8 else 1)
    noise = drawn_noise(x)
    ends = float(((x == 0) | (x == 1)).double().mean())
    shown = {"variance_from_drawing_bits": noise, "black_or_white": ends}
    nearly = noise < NOISE and e.transform is None
    others = [(f, "scale") for f in (DISCRETISED, GAUSSIAN, MIXTURE, CONTINUOUS) if f.text()]
    bits = (BERNOULLI, "dynamic_binarise")
    order = [bits, *others] if nearly else [*others, *([bits] if e.transform is None else [])]
    family, wanted = order[0]
    likelihood = built(str(family.text()))
    assert likelihood is not None
    drawn = "Each use draws the bits anew, so that no draw can be learned by heart."
    transform, why = transform_for(e, wanted, drawn if family is BERNOULLI else SCALED)
    return Proposal(
        kind="8-bit images" if e.is_image else "8-bit grey levels",
        likelihood=likelihood,
        because=_because(family, noise),
        shown=shown,
        transform=transform,
        why_transform=why,
        alternatives=tuple(
            Alternative(str(f.text()), e.transform or t, _when(f), None) for f, t in order[1:5]
        ),
    )


def _because(family: Family, noise: float) -> str:
    if family is BERNOULLI:
        return (
            f"Nearly black and white: drawing each grey value as a bit adds only {noise:.0%} of "
            "the variance, and its log p(x), a mass, is the number that others report."
        )
    if family is DISCRETISED:
        return (
            f"Grey levels matter (drawn as bits {noise:.0%} of the variance would be noise): a "
            "mass on the 256 levels learns its noise and gives bits per dimension that compare."
        )
    return (
        f"Grey levels matter (drawn as bits {noise:.0%} of the variance would be noise), and a "
        "learned sigma finds how exact reconstructions can be."
    )


def _when(family: Family) -> str:
    if family is BERNOULLI:
        return "to compare with work on binarised images"
    if family is GAUSSIAN:
        return "to be simple; a density on discrete values compares with other densities only"
    return family.when


RULE = Rule(_applies, _propose)
