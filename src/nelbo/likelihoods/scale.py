"""Where a location family's sigma comes from: stated, learned, or optimal in closed form."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

Scalar = Float[Tensor, ""]

LOG_SIGMA_FLOOR = -6.0  # Rybkin et al. 2021 keep log sigma above -6, softly


class Scale(nn.Module, ABC):
    """One sigma for all features."""

    source: str

    @abstractmethod
    def forward(self) -> Scalar:
        """Return sigma for data that is not at hand: a normalised density needs it fixed."""

    def observe(self, squared_error: Tensor) -> Scalar:
        """Return sigma for training data whose squared errors are [samples, batch, *event]."""
        return self()


class Stated(Scale):
    """The user states sigma^2."""

    source = "stated"

    def __init__(self, variance: float) -> None:
        super().__init__()
        self.sigma = math.sqrt(variance)  # a number, so that a model in float64 has all its digits
        self.like: Tensor
        self.register_buffer("like", torch.zeros(()), persistent=False)

    def forward(self) -> Scalar:
        """Return the stated sigma."""
        return torch.full_like(self.like, self.sigma)


class Learned(Scale):
    """log sigma is a parameter, floored softly: log sigma = -6 + softplus(rho + 6)."""

    source = "learned"

    def __init__(self) -> None:
        super().__init__()
        start = math.log(math.expm1(-LOG_SIGMA_FLOOR)) + LOG_SIGMA_FLOOR  # sigma = 1
        self.rho = nn.Parameter(torch.tensor(start))

    def forward(self) -> Scalar:
        """Return the learned sigma."""
        return torch.exp(LOG_SIGMA_FLOOR + F.softplus(self.rho - LOG_SIGMA_FLOOR))


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

    def forward(self) -> Scalar:
        """Return the root of the running mean of sigma*^2."""
        return self.variance.sqrt()

    def observe(self, squared_error: Tensor) -> Scalar:
        """Return sigma* of this batch, and take it into the running mean."""
        if not self.training:
            return self()
        best = squared_error.mean().clamp_min(math.exp(2 * LOG_SIGMA_FLOOR))
        with torch.no_grad():
            weight = torch.where(self.batches == 0, torch.ones_like(best), self.momentum)
            self.variance.lerp_(best.detach(), weight)
            self.batches += 1
        return best.sqrt()


SCALES: dict[str, type[Scale]] = {"learned": Learned, "optimal": Optimal}
