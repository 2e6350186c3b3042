"""Data of zeros and ones."""

from __future__ import annotations

import torch

from nelbo.doctor.suggest.evidence import Evidence
from nelbo.doctor.suggest.families import BERNOULLI, GAUSSIAN, built
from nelbo.doctor.suggest.result import Alternative
from nelbo.doctor.suggest.rules.base import Proposal, Rule, kept, transform_for


def top(e: Evidence) -> float:
    """Return the largest of two values, if there are no more: 1, or 255 of bytes; else 0."""
    highest = 1.0 if e.highest == 1 else 255.0 * (e.dtype == torch.uint8)
    two = (e.sample == 0) | (e.sample == highest) | e.sample.isnan()
    ends = (e.low == 0) | (e.low == highest) | e.low.isinf()
    return highest if bool(two.all() and ends.all() and e.whole.all()) else 0.0


def _propose(e: Evidence) -> Proposal:
    one = top(e)
    ones = float((e.mean / one).nanmean())
    likelihood = built(BERNOULLI.texts[0])
    assert likelihood is not None
    transform, why = kept(e)
    if one == 255:
        transform, why = transform_for(e, "scale", "It turns the bytes 0 and 255 into 0 and 1.")
    return Proposal(
        kind="binary data",
        likelihood=likelihood,
        because=f"Every value is 0 or {one:g}: a mass on two outcomes is all there is to learn.",
        shown={"ones": ones, "features_that_vary": int(e.varying.sum())},
        transform=transform,
        why_transform=why,
        alternatives=(
            Alternative(
                GAUSSIAN.texts[0],
                transform,
                "the zeros and ones are rounded measurements; its density compares with no mass",
            ),
        ),
    )


RULE = Rule(lambda e: top(e) > 0, _propose)
