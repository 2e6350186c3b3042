"""The forecast: will this likelihood learn from this data, or ignore it?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch.distributions.constraints import Constraint

from nelbo.data import as_source
from nelbo.doctor.forecast.moments import Moments, moments
from nelbo.errors import BadType, BadValue
from nelbo.likelihoods import Likelihood

RARE = 1e-3  # features with m (1 - m) below it inflate the spectrum of a bounded likelihood


Verdict = Literal["learns", "marginal", "collapses"]


@dataclass(frozen=True)
class Forecast:
    """What a loss will do to data, from second-order stability of the collapsed solution.

    Attributes:
        margin: largest eigenvalue over beta; above 1 training escapes from collapse.
        eigenvalues: of the data's scores in units of the loss's curvature, descending.
        verdict: `"learns"`, `"collapses"`, or near a margin of 1 `"marginal"`: too slow to tell.
        dimensions: the number of eigenvalues above beta: the number of latents that a linear
            decoder would use; a deep one uses another number, neither bounded by it nor bounding.
        critical_beta: the beta at which the margin is 1.
        critical_variance: for a Gaussian of stated variance (or a squared error), the variance
            at which the margin is 1 at this beta.
        notes: the exceptions that apply, each a sentence.
    """

    margin: float
    eigenvalues: tuple[float, ...]
    verdict: Verdict
    dimensions: int = 0
    critical_beta: float = float("nan")
    critical_variance: float | None = None
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.verdict}: margin {self.margin:.3g} (largest eigenvalue over beta)"


# collapse is unstable if and only if lambda_max(Cov x, diag V(mean)) > beta
#     Lucas et al. 2019, Don't blame the ELBO!; Wang & Ziyin 2022; Sicks et al. 2021
def forecast(data: Any, likelihood: Likelihood, beta: float = 1.0) -> Forecast:
    """Say whether a VAE with this likelihood will learn from this data, without training one.

    For a likelihood of the exponential family with variance function V, the solution that ignores
    the latents is unstable if and only if the largest eigenvalue of V^-1/2 Cov(x) V^-1/2 at the
    data's mean exceeds beta; it does not matter how deep the networks are. For data in [0, 1]
    features with m (1 - m) below 0.001 are left out: rare ones would inflate the spectrum.

    Source: Lucas et al. 2019, Don't blame the ELBO!; Wang & Ziyin 2022, Posterior collapse of a
    linear latent variable model.

    Args:
        data: whatever `nelbo.fit` takes, or the `Moments` of it.
        likelihood: one of `nelbo.likelihoods`.
        beta: weight of the KL.

    Raises:
        TypeError: not a likelihood.
        ValueError: beta is not positive, or the data lies where the likelihood is not defined.

    Example:
        >>> import torch, nelbo
        >>> x = torch.tensor([[0.0, 0.0], [2.0, 0.0]])
        >>> round(nelbo.forecast(x, nelbo.likelihoods.Gaussian(variance=0.5)).margin, 3)
        2.0
    """
    if not isinstance(likelihood, Likelihood):
        got, fix = f"{likelihood!r}", "For example nelbo.likelihoods.Bernoulli()."
        raise BadType("likelihood", expected="a Likelihood", got=got, fix=fix)
    if not beta > 0:
        raise BadValue("beta", expected="a positive number", got=beta, fix="Use 1 for the ELBO.")
    found = data if isinstance(data, Moments) else moments(as_source(data))
    likelihood.check(torch.tensor([found.low, found.high]))
    noise = likelihood.collapsed_variance(found.mean, found.variance).double()
    # where nothing varies and nothing is noise there is nothing to learn
    silent = noise <= 0
    if _on_the_unit_interval(likelihood.domain):
        silent |= found.mean * (1 - found.mean) < RARE
    eigenvalues = found.spectrum(noise.masked_fill(silent, float("inf")))
    margin = float(eigenvalues[0]) / beta
    verdict = "learns" if margin > 1 else "collapses"
    return Forecast(margin, tuple(eigenvalues.tolist()), verdict)


def _on_the_unit_interval(domain: Constraint) -> bool:
    ends = (getattr(domain, "lower_bound", None), getattr(domain, "upper_bound", None))
    return ends == (0.0, 1.0)
