"""Where a location family's sigma comes from: stated, learned, or optimal in closed form."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from nelbo.checks import positive

LOG_SIGMA_FLOOR = -6.0  # Rybkin et al. 2021 keep log sigma above -6, softly


LEAST_VARIANCE = math.exp(2 * LOG_SIGMA_FLOOR)


class Scale(nn.Module, ABC):
    """One sigma for all features, or one for each."""

    source: str

    @abstractmethod
    def forward(self) -> Float[Tensor, "*event"]:
        """Return sigma for data that is not at hand: a normalised density needs it fixed."""

    def observe(self, squared_error: Tensor) -> Float[Tensor, "*event"]:
        """Return sigma for training data whose squared errors are [samples, batch, *event]."""
        return self()

    def setup(self, data_shape: tuple[int, ...]) -> None:  # noqa: B027 - most have one sigma
        """Create what depends on the shape of an example."""

    def best(self, variance: Float[Tensor, "*event"]) -> Float[Tensor, "*event"]:
        """Return sigma^2 at its best, for errors of these variances: here their mean."""
        return torch.full_like(variance, max(float(variance.mean()), LEAST_VARIANCE))

    def start(self, variance: Float[Tensor, "*event"]) -> None:  # noqa: B027 - one may be stated
        """Begin at the best sigma^2 for errors of these variances."""

    @property
    def number(self) -> float:
        """The one sigma, without a gradient."""
        return float(self().detach())

    @property
    def belief(self) -> str:
        """The one sigma and where it comes from, in words."""
        return f"scale {self.number:.4g} ({self.source})"

    @property
    def variance_range(self) -> tuple[float, float]:
        """The smallest and the largest sigma^2."""
        low, high = (self().detach() ** 2).aminmax()
        return float(low), float(high)


# log sigma = -6 + softplus(rho + 6)                                        Rybkin et al. 2021
def floored(rho: Float[Tensor, "*shape"], floor: float = LOG_SIGMA_FLOOR) -> Tensor:
    """Return log sigma, which stays above a floor and keeps its gradient there."""
    return floor + F.softplus(rho - floor)


def unfloored(variance: Float[Tensor, "*event"], floor: float = LOG_SIGMA_FLOOR) -> Tensor:
    """Return the rho of sigma^2, a little above the floor, where rho still has a gradient.

    Example:
        >>> torch.exp(2 * floored(unfloored(torch.tensor([0.25]))))
        tensor([0.2500])

    """
    above = (0.5 * torch.log(variance) - floor).clamp_min(1.0)
    return floor + above + torch.log(-torch.expm1(-above))


def stated_or_learned(scale: float | None) -> Scale:
    """Return the scale that the user states, or one that is learned.

    Raises:
        ValueError: the scale is no positive number.
    """
    if scale is None:
        return Learned()
    return Stated(positive("scale", scale, fix="Leave it out to have it learned.") ** 2)


class Stated(Scale):
    """The user states sigma^2."""

    source = "stated"

    def __init__(self, variance: float) -> None:
        super().__init__()
        self.sigma = math.sqrt(variance)  # a number, so that a model in float64 has all its digits
        self.like: Tensor
        self.register_buffer("like", torch.zeros(()), persistent=False)

    def forward(self) -> Float[Tensor, ""]:
        """Return the stated sigma."""
        return torch.full_like(self.like, self.sigma)

    def best(self, variance: Float[Tensor, "*event"]) -> Float[Tensor, "*event"]:
        """Return the stated sigma^2."""
        return torch.full_like(variance, self.sigma**2)


START = math.log(math.expm1(-LOG_SIGMA_FLOOR)) + LOG_SIGMA_FLOOR  # the rho of sigma = 1


class Learned(Scale):
    """log sigma is a parameter, floored softly."""

    source = "learned"

    def __init__(self) -> None:
        super().__init__()
        self.rho = nn.Parameter(torch.tensor(START))

    def forward(self) -> Float[Tensor, "*event"]:
        """Return the learned sigma."""
        return torch.exp(floored(self.rho))

    @torch.no_grad()
    def start(self, variance: Float[Tensor, "*event"]) -> None:
        """Begin at the best sigma^2 for errors of these variances."""
        rho = unfloored(self.best(variance))
        self.rho.copy_(rho.reshape(self.rho.shape) if self.rho.dim() else rho.flatten()[0])


class PerFeature(Learned):
    """log sigma of each feature is a parameter, floored softly; before `setup` they share one."""

    source = "per_feature"

    def setup(self, data_shape: tuple[int, ...]) -> None:
        """Create one sigma for each feature."""
        if tuple(self.rho.shape) != data_shape:
            start = self.rho.detach().mean()
            self.rho = nn.Parameter(start.expand(data_shape).clone())

    def best(self, variance: Float[Tensor, "*event"]) -> Float[Tensor, "*event"]:
        """Return each feature's own variance."""
        return variance.clamp_min(LEAST_VARIANCE)


# sigma*^2 = argmax_sigma^2 sum_b log N(x_b; m_b, sigma^2) = mean squared error  Rybkin et al. 2021
class Optimal(Scale):
    """sigma^2 is the mean squared error of each training batch; its running mean in evaluation.

    With sigma taken from the data at hand `log_prob` is a profile likelihood, which is what the
    training maximises; in evaluation mode sigma is fixed, so that the density is normalised.
    """

    source = "optimal"
    momentum = 0.01

    def __init__(self) -> None:
        super().__init__()
        self.variance: Tensor
        self.batches: Tensor
        self.register_buffer("variance", torch.tensor(1.0))
        self.register_buffer("batches", torch.tensor(0))

    def forward(self) -> Float[Tensor, ""]:
        """Return the root of the running mean of sigma*^2."""
        return self.variance.sqrt()

    def start(self, variance: Float[Tensor, "*event"]) -> None:
        """Begin at the best sigma^2 for errors of these variances."""
        self.variance.fill_(float(self.best(variance).flatten()[0]))

    def observe(self, squared_error: Tensor) -> Float[Tensor, ""]:
        """Return sigma* of this batch, and take it into the running mean."""
        if not self.training:
            return self()
        best = squared_error.mean().clamp_min(LEAST_VARIANCE)
        with torch.no_grad():
            weight = torch.where(self.batches == 0, torch.ones_like(best), self.momentum)
            self.variance.lerp_(best.detach(), weight)
            self.batches += 1
        return best.sqrt()


SCALES: dict[str, type[Scale]] = {
    "learned": Learned,
    "optimal": Optimal,
    "per_feature": PerFeature,
}
