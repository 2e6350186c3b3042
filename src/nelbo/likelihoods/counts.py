"""What the likelihoods of counts have in common."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import constraints

from nelbo.likelihoods.nuisance import Nuisance, Shape

RAREST = 1e-6  # mean of a feature that was never counted, where a start is wanted

STARTS = (0.1, 1000.0)  # between which a dispersion may begin


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

    def shown(self, x: Float[Tensor, " batch *event"]) -> Float[Tensor, " batch *event"]:
        """Return arsinh x: near log(2 x) for large counts, and defined for pseudo-inputs below 0.

        Source: scVI shows its encoder log(1 + x) (Lopez et al. 2018).
        """
        return torch.asinh(x)


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

    # m + m^2 / theta is the variance
    def start(self, mean: Float[Tensor, " *event"], variance: Float[Tensor, " *event"]) -> None:
        """Begin at the theta of the data's own moments."""
        excess = (variance - mean).clamp_min(torch.finfo(mean.dtype).tiny)
        self.theta.start(torch.log((mean**2 / excess).clamp(*STARTS)))

    @property
    def words(self) -> str:
        """Where theta comes from, in words."""
        return f"dispersion {self.dispersion.replace('_', ' ')}"


def dispersion_of(rho: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Return e^rho, within bounds beyond which it changes nothing."""
    return torch.exp(rho.clamp(-60.0, 40.0))


def log_mean(mean: Float[Tensor, " *event"]) -> Float[Tensor, " *event"]:
    """Return the logarithm of a mean, finite where nothing was counted."""
    return torch.log(mean.clamp_min(RAREST))
