"""The forecast: will this likelihood, or this loss, learn from this data, or ignore it?"""

from __future__ import annotations

import math
from typing import Any

import torch
from jaxtyping import Bool
from torch import Tensor
from torch.distributions.constraints import Constraint

from nelbo.data import as_source
from nelbo.doctor.forecast import notes
from nelbo.doctor.forecast.kl_weight import Loss
from nelbo.doctor.forecast.likelihood import is_exponential, solve_likelihood
from nelbo.doctor.forecast.loss import output_named, solve_loss
from nelbo.doctor.forecast.mapped import mapped
from nelbo.doctor.forecast.moments import Moments, moments
from nelbo.doctor.forecast.result import Forecast, foretold
from nelbo.errors import BadType, BadValue
from nelbo.likelihoods import Gaussian, Likelihood


# collapse is unstable if and only if lambda_max(J, H) > beta, J = Cov(score), H = E[curvature]
#     Lucas et al. 2019, Don't blame the ELBO!; Wang & Ziyin 2022; Sicks et al. 2021
def forecast(
    data: Any,
    likelihood: Likelihood | None = None,
    beta: float = 1.0,
    *,
    loss: Loss | None = None,
    output: str = "mean",
    latent: int = 20,
) -> Forecast:
    """Say whether a VAE with this likelihood, or this loss, will learn, without training one.

    With score s = dl/d eta and curvature d2l/d eta2 of the reconstruction loss l at the best
    output eta that ignores the latents, J = Cov(s) and H = E[d2l/d eta2], ignoring the latents
    is unstable if and only if the largest generalised eigenvalue of (J, H) exceeds beta; it does
    not matter how deep the networks are. For an exponential family of variance function V these
    are the eigenvalues of V^-1/2 Cov(x) V^-1/2 at the data's mean. For data in [0, 1] features
    with m (1 - m) below 0.001 are left out: rare ones would inflate the spectrum.

    Source: Lucas et al. 2019, Don't blame the ELBO!; Wang & Ziyin 2022, Posterior collapse of a
    linear latent variable model.

    Args:
        data: whatever `nelbo.fit` takes, a memory-mapped array, or the `Moments` of data.
        likelihood: one of `nelbo.likelihoods`.
        beta: weight of the KL; beside a loss a further factor on its own KL.
        loss: instead of a likelihood, loss(x, recon, mu, logvar), a scalar of torch operations,
            averaged or summed as in training.
        output: what the loss takes as recon: `"mean"`, `"prob"` (a mean in [0, 1]), `"logits"`
            or `"mean+logvar"` (a tuple).
        latent: the number of latents, for a loss.

    Raises:
        TypeError: not a likelihood, or not a loss of torch.
        ValueError: beta is not positive, the data lies where the likelihood is not defined, or
            the loss is not smooth where the data lies.

    Example:
        >>> import torch, nelbo
        >>> x = torch.tensor([[0.0, 0.0], [2.0, 0.0]])
        >>> round(nelbo.forecast(x, nelbo.likelihoods.Gaussian(variance=0.5)).margin, 3)
        2.0
        >>> def loss(x, y, mu, logvar):
        ...     kl = 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum(1)
        ...     return torch.nn.functional.mse_loss(y, x) + kl.mean()
        >>> round(nelbo.forecast(x, loss=loss).critical_variance, 3)
        1.0
    """
    _check(likelihood, loss, beta)
    kind = output_named(output)
    found = data if isinstance(data, Moments) else moments(as_source(mapped(data)))
    said = notes.of_data(found)
    if likelihood is None:
        assert loss is not None
        rare = _rare(found)
        of_loss = solve_loss(loss, kind, latent, found, rare)
        solved, left_out = of_loss.solved, of_loss.left_out
        said += [*notes.of_rare(left_out, len(rare)), *solved.notes]
        said += notes.of_spectrum(solved.found, len(solved.eta))
        return foretold(solved.found.values, beta, of_loss.variance, said)
    likelihood.check(
        found.ends if found.source is None else found.ends.view(2, *found.source.shape)
    )
    return _of_likelihood(found, likelihood, beta, said)


def _of_likelihood(
    found: Moments, likelihood: Likelihood, beta: float, said: list[str]
) -> Forecast:
    shape = tuple(found.mean.shape if found.source is None else found.source.shape)
    many = torch.Size(likelihood.parameter_shape(shape)).numel() > len(found.mean)
    inflates = many or _on_the_unit_interval(likelihood.domain)
    rare = _rare(found) if inflates else torch.zeros(len(found.mean), dtype=torch.bool)
    said = [*said, *notes.of_rare(int(rare.sum()), len(rare))]
    said += notes.of_likelihood(likelihood, found)
    if is_exponential(likelihood, found, shape):
        noise = likelihood.collapsed_variance(found.mean, found.variance)
        # where nothing varies and nothing is noise there is nothing to learn
        noise = torch.zeros_like(found.mean) if noise is None else noise.double()
        spectrum = found.solve(noise.masked_fill(rare | (noise <= 0), float("inf")))
        outputs = len(found.mean)
    else:
        solved = solve_likelihood(likelihood, found, rare)
        spectrum, outputs = solved.found, len(solved.eta)
        said += solved.notes
    said += notes.of_spectrum(spectrum, outputs)
    stated = likelihood.variance if isinstance(likelihood, Gaussian) else None
    return foretold(spectrum.values, beta, stated, said)


def _check(likelihood: Any, loss: Any, beta: float) -> None:
    if (likelihood is None) == (loss is None):
        raise BadType(
            "forecast",
            expected="either a likelihood or a loss",
            got="neither" if loss is None else "both",
            fix="For example likelihood=nelbo.likelihoods.Bernoulli().",
        )
    if loss is None and not isinstance(likelihood, Likelihood):
        got, fix = f"{likelihood!r}", "For example nelbo.likelihoods.Bernoulli()."
        raise BadType("likelihood", expected="a Likelihood", got=got, fix=fix)
    if loss is not None and not callable(loss):
        fix = "Pass the function loss(x, recon, mu, logvar) itself."
        raise BadType("loss", expected="a function", got=f"{loss!r}", fix=fix)
    if not 0 < beta < math.inf:
        raise BadValue("beta", expected="a positive number", got=beta, fix="Use 1 for the ELBO.")


def _rare(found: Moments) -> Bool[Tensor, " features"]:
    """Return which features of data in [0, 1] are all but constant."""
    return (found.mean * (1 - found.mean) < notes.RARE) & (found.low >= 0) & (found.high <= 1)


def _on_the_unit_interval(domain: Constraint) -> bool:
    ends = (getattr(domain, "lower_bound", None), getattr(domain, "upper_bound", None))
    return ends == (0.0, 1.0)
