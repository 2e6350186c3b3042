"""The forecast: will this likelihood learn from this data, or ignore it?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Protocol

from torch import Tensor
from torch.distributions.constraints import Constraint, real

from nelbo.data import as_source
from nelbo.doctor.moments import Moments, moments
from nelbo.errors import BadValue

RARE = 1e-3  # features with m (1 - m) below it inflate the spectrum of a bounded likelihood


class _Likelihood(Protocol):
    domain: Constraint

    def collapsed_variance(self, mean: Tensor, variance: Tensor) -> Tensor: ...


@dataclass(frozen=True)
class Forecast:
    """What a likelihood will do to data, from second-order stability of the collapsed solution.

    Attributes:
        margin: largest eigenvalue over beta; above 1 training escapes from collapse.
        eigenvalues: of the data's covariance in units of the likelihood's noise, descending.
        verdict: `"learns"` or `"collapses"`.
    """

    margin: float
    eigenvalues: tuple[float, ...]
    verdict: Literal["learns", "collapses"]


# collapse is unstable if and only if lambda_max(Cov x, diag V(mean)) > beta
#     Lucas et al. 2019, Don't blame the ELBO!; Wang & Ziyin 2022; Sicks et al. 2021
def forecast(data: Any, likelihood: _Likelihood, beta: float = 1.0) -> Forecast:
    """Say whether a VAE with this likelihood will learn from this data, without training one.

    For a likelihood of the exponential family with variance function V, the solution that ignores
    the latents is unstable if and only if the largest eigenvalue of V^-1/2 Cov(x) V^-1/2 at the
    data's mean exceeds beta; it does not matter how deep the networks are.

    Source: Lucas et al. 2019, Don't blame the ELBO!; Wang & Ziyin 2022, Posterior collapse of a
    linear latent variable model.

    Args:
        data: whatever `nelbo.fit` takes, or the `Moments` of it.
        likelihood: one of `nelbo.likelihoods`.
        beta: weight of the KL.

    Raises:
        ValueError: beta is not positive.

    Example:
        >>> import torch, nelbo
        >>> x = torch.tensor([[0.0, 0.0], [2.0, 0.0]])
        >>> nelbo.forecast(x, nelbo.likelihoods.Gaussian(variance=0.5)).margin
        2.0
    """
    if not beta > 0:
        raise BadValue("beta", expected="a positive number", got=beta, fix="Use 1 for the ELBO.")
    found = data if isinstance(data, Moments) else moments(as_source(data))
    noise = likelihood.collapsed_variance(found.mean, found.variance).double()
    if likelihood.domain is not real:
        rare = found.mean * (1 - found.mean) < RARE
        noise = noise.masked_fill(rare, float("inf"))
    eigenvalues = found.spectrum(noise)
    margin = float(eigenvalues[0]) / beta
    verdict = "learns" if margin > 1 else "collapses"
    return Forecast(margin, tuple(eigenvalues.tolist()), verdict)
