"""Scores in units of the loss's curvature."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from nelbo.doctor.forecast.groups import Groups
from nelbo.errors import BadValue

FLAT = 1e-6  # a curvature below this share of its group's largest is none


@dataclass(frozen=True)
class Whitening:
    """H^-1/2, group by group; 0 where there is nothing to learn."""

    groups: Groups
    factor: Float[Tensor, "groups size size"]

    def __call__(self, scores: Float[Tensor, "rows outputs"]) -> Float[Tensor, "rows outputs"]:
        """Return H^-1/2 s for each row s."""
        gathered = self.groups.gather(scores)
        if self.groups.size == 1:
            return self.groups.spread(gathered * self.factor[:, 0].to(scores.dtype))
        turned = torch.einsum("gij,...gj->...gi", self.factor.to(scores.dtype), gathered)
        return self.groups.spread(turned)

    def both(self, covariance: Float[Tensor, "outputs outputs"]) -> Tensor:
        """Return H^-1/2 J H^-1/2."""
        return self(self(covariance).T)


def whitening(
    groups: Groups,
    curvature: Float[Tensor, "groups size size"],
    scores: Float[Tensor, "rows outputs"],
    left_out: Bool[Tensor, " groups"],
) -> Whitening:
    """Return the whitening by a curvature.

    Args:
        groups: outputs that share a curvature.
        curvature: mean of d2l/d output2.
        scores: dl/d output of some examples.
        left_out: groups that shall not count, or whose scores do not vary.

    Raises:
        ValueError: the scores vary in a direction where the loss has no curvature.
    """
    values, vectors = torch.linalg.eigh(curvature)
    along = torch.einsum("gji,rgj->rgi", vectors, groups.gather(scores.double()))
    variance = along.var(0, unbiased=False)
    flat = values <= FLAT * values.abs().amax(-1, keepdim=True)
    # a direction that the likelihood does not see, such as swapping two alike components
    unseen = flat & (variance <= 1e-4 * variance.amax(-1, keepdim=True)) & (groups.size > 1)
    silent = unseen | left_out[:, None]
    bent = ~flat | silent
    if not bool(bent.all()):
        count = int((~bent).any(-1).sum())
        raise BadValue(
            "forecast",
            expected="a smooth loss, with curvature where the data lies",
            got=f"no curvature in {count:,} of {len(groups):,} features at the best constant "
            "output, as an absolute error has none",
            fix="Use a squared error or a smooth robust loss (log-cosh, Student-t).",
        )
    scale = torch.where(silent | flat, torch.zeros_like(values), values.clamp_min(1e-300).rsqrt())
    return Whitening(groups, torch.einsum("gij,gj,gkj->gik", vectors, scale, vectors))
