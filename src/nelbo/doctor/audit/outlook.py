"""The forecast of an audited loss."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from nelbo.doctor.audit.evidence import Evidence
from nelbo.doctor.audit.families import CONTINUOUS_BERNOULLI
from nelbo.doctor.forecast import Forecast, forecast
from nelbo.errors import NelboError
from nelbo.likelihoods import Bernoulli, ContinuousBernoulli, Gaussian, Likelihood


def outlook(evidence: Evidence, data: Any) -> Forecast | None:
    """Return whether training would collapse; None where second-order stability cannot tell.

    A clamped KL, and one drawn to a capacity, have no penalty at the collapsed solution.
    """
    beta = evidence.ratio
    if isinstance(data, Tensor) and len(data) < 2:
        return None
    if beta is None or not beta > 0 or evidence.kl.term.form not in ("closed", "mc", "extra"):
        return None
    likelihood = _likelihood(evidence)
    if evidence.beta is None and likelihood is not None:
        return None
    if evidence.family == "squared_error":
        beta = 1.0
    try:
        if likelihood is not None:
            return forecast(data, likelihood, beta=beta)
        if evidence.smooth and evidence.call.kind.torch:
            loss, latent = evidence.call.loss, evidence.latent
            return forecast(data, loss=loss, output=evidence.reconstruction.output, latent=latent)
    except (NelboError, RuntimeError):
        pass  # data= lies elsewhere than x, or is more than the loss can take
    return None


def _likelihood(evidence: Evidence) -> Likelihood | None:
    if evidence.family == "squared_error":
        assert evidence.sigma2 is not None
        return Gaussian(variance=evidence.sigma2)
    if evidence.family in ("bce_prob", "bce_logits"):
        return Bernoulli()
    if evidence.family == CONTINUOUS_BERNOULLI:
        return ContinuousBernoulli()
    if evidence.family in ("gaussian_nll", "gaussian_nll_profiled"):
        return Gaussian(sigma="learned")
    return None
