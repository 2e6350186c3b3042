"""Student-t likelihood, for real values with heavy tails."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn
from torch.distributions import Distribution, Independent
from torch.distributions import StudentT as TorchStudentT

from nelbo.errors import BadValue
from nelbo.formulas import log_gamma_remainder
from nelbo.likelihoods.base import Likelihood
from nelbo.likelihoods.reals import Reals
from nelbo.likelihoods.scale import stated_or_learned
from nelbo.registry import register

LEAST_MEAN = 1.0  # degrees of freedom above which there is a mean
LEAST_VARIANCE = 2.0  # and above which there is a variance: learned ones stay there
START = 5.0


class Degrees(nn.Module):
    """Degrees of freedom: stated, or learned above 2, nu = 2 + softplus(rho)."""

    def __init__(self, stated: float | None) -> None:
        super().__init__()
        self.stated = stated
        self.like: Tensor
        self.register_buffer("like", torch.zeros(()), persistent=False)
        start = math.log(math.expm1(START - LEAST_VARIANCE))
        self.rho = nn.Parameter(torch.tensor(start)) if stated is None else None

    def forward(self) -> Float[Tensor, ""]:
        """Return nu."""
        if self.rho is None:
            return torch.full_like(self.like, float(self.stated or 0.0))
        return LEAST_VARIANCE + F.softplus(self.rho)

    @property
    def number(self) -> float:
        """Nu, without a gradient."""
        return float(self().detach()) if self.stated is None else float(self.stated)


class _Features(TorchStudentT):
    """Student's t per feature, of one nu and one scale, with all the digits of a large nu."""

    def __init__(self, dof: Tensor, location: Tensor, scale: Tensor) -> None:
        self._one = dof, scale
        super().__init__(dof, location, scale, validate_args=False)

    def log_prob(self, value: Tensor) -> Tensor:
        dof, scale = self._one
        half = 0.5 * dof
        # log Gamma(h + 1/2) - log Gamma(h) - 1/2 log h, by Stirling's formula and its remainder
        ratio = half * torch.log1p(0.5 / half) - 0.5
        ratio = ratio + log_gamma_remainder(half + 0.5) - log_gamma_remainder(half)
        constant = ratio - 0.5 * math.log(2 * math.pi) - torch.log(scale)
        y = (value - self.loc) / scale
        return constant - 0.5 * (dof + 1) * torch.log1p(y**2 / dof)


# log p(x|z) = sum_d log Gamma((nu+1)/2) - log Gamma(nu/2) - 1/2 log(pi nu s^2)
#                  - (nu+1)/2 log(1 + (x_d - m_d(z))^2 / (nu s^2))       Takahashi et al. 2018, (7)
@register("likelihood", "student_t")
class StudentT(Reals, Likelihood):
    """Every feature is its location plus noise with tails of the power -(nu + 1).

    Takahashi et al. have a decoder predict scale and nu as well; here each is one number, which
    is what keeps a density from growing without bound.

    Source: Takahashi, Iwata, Yamanaka, Yamada & Yagi 2018, Student-t variational autoencoder for
    robust density estimation.

    Args:
        dof: nu, degrees of freedom, stated and above 1, for there to be a mean; by default
            learned, above 2, for there to be a variance.
        scale: s, stated; by default learned.

    Raises:
        ValueError: a scale that is not positive, or a nu of 1 or less.

    Example:
        >>> px = StudentT(dof=5.0, scale=0.3)(torch.zeros(1, 3, 784))
        >>> px.log_prob(torch.zeros(3, 784)).shape
        torch.Size([1, 3])

    """

    def __init__(self, dof: float | None = None, scale: float | None = None) -> None:
        super().__init__()
        if dof is not None and not LEAST_MEAN < dof < float("inf"):
            raise BadValue(
                "dof",
                expected="a number above 1",
                got=dof,
                fix="Leave it out to have it learned; without a bound it is the Gaussian.",
            )
        self.dof, self.scale = dof, scale
        self.degrees = Degrees(dof)
        self.noise = stated_or_learned(scale)

    def forward(self, parameters: Float[Tensor, "samples batch *event"]) -> Distribution:
        """Return p(x|z) for locations of shape [samples, batch, *data_shape]."""
        features = _Features(self.degrees(), parameters, self.noise())
        return Independent(features, parameters.dim() - 2, validate_args=False)

    @property
    def belief(self) -> str:
        """What this likelihood takes the data to be."""
        source = "learned" if self.dof is None else "stated"
        nu = f"{self.degrees.number:.4g} degrees of freedom ({source})"
        return f"Student t: noise of {nu}, {self.noise.belief}"

    # Var[x] = s^2 nu / (nu - 2), for nu > 2
    @property
    def implied_variance(self) -> float | None:
        """The noise variance s^2 nu / (nu - 2), None where it is infinite."""
        nu = self.degrees.number
        return self.noise.number**2 * nu / (nu - 2) if nu > LEAST_VARIANCE else None

    def start(self, mean: Float[Tensor, " *event"], variance: Float[Tensor, " *event"]) -> None:
        """Begin at the scale whose variance is the data's; below nu = 4 at s^2 of half of it.

        That scale goes to 0 as nu goes to 2, where there is no variance.
        """
        spread = 1 - 2 / max(self.degrees.number, 2 * LEAST_VARIANCE)
        self.noise.start(variance * spread)

    def output_at(self, mean: Float[Tensor, " *event"]) -> Float[Tensor, " *event"]:
        """Return the mean: it is the location."""
        return mean
