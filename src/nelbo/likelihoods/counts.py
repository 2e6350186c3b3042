"""What the likelihoods of counts have in common."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import constraints

from nelbo.likelihoods.nuisance import Nuisance, Shape

RAREST = 1e-6  # mean of a feature that was never counted, where a start is wanted


class Counts:
    """What a likelihood of 0, 1, 2, ... says about its data."""

    support = constraints.nonnegative_integer
    domain = constraints.nonnegative
    base_measure = "mass on {0, 1, 2, ...}^D"
    requirement = "counts, which are not negative"
    advice = (
        "Hand over raw counts: neither centred, nor logarithms of them; for real values use the "
        "likelihood 'gaussian'."
    )
    warning = (
        "values that are not whole are no counts. Hand over raw counts (as floats), neither "
        "scaled nor averaged."
    )


class Dispersed(Counts):
    """What the negative binomials share: an inverse dispersion theta, and where it comes from.

    Attributes:
        dispersion: "per_feature", "shared" or "predicted".
        theta: it.
    """

    dispersion: str
    theta: Nuisance

    def setup(self, data_shape: Shape) -> None:
        """Give every feature its own theta, where each is to have one."""
        self.theta.setup(data_shape)

    @property
    def words(self) -> str:
        """Where theta comes from, in words."""
        return f"dispersion {self.dispersion.replace('_', ' ')}"


def log_mean(mean: Float[Tensor, " *event"]) -> Float[Tensor, " *event"]:
    """Return the logarithm of a mean, finite where nothing was counted."""
    return torch.log(mean.clamp_min(RAREST))
