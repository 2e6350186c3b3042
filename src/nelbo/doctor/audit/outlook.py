"""The forecast of an audited loss."""

from __future__ import annotations

from typing import Any

from nelbo.doctor.audit.evidence import Evidence
from nelbo.doctor.forecast import Forecast, forecast
from nelbo.errors import NelboError
from nelbo.likelihoods import Bernoulli, ContinuousBernoulli, Gaussian, Likelihood


def outlook(evidence: Evidence, data: Any) -> Forecast | None:
    """Return whether training would collapse; None where second-order stability cannot tell.

    A clamped KL, and one drawn to a capacity, have no penalty at the collapsed solution.
    """
    beta = evidence.beta
    if beta is None or not beta > 0 or evidence.kl.term.form not in ("closed", "mc", "extra"):
        return None
    likelihood = _likelihood(evidence)
    if likelihood is None:
        return None
    if evidence.family == "squared_error":
        beta = 1.0
    try:
        return forecast(data, likelihood, beta=beta)
    except NelboError:
        return None  # data= lies elsewhere than x: the finding about x says what matters


def _likelihood(evidence: Evidence) -> Likelihood | None:
    if evidence.family == "squared_error":
        assert evidence.sigma2 is not None
        return Gaussian(variance=evidence.sigma2)
    if evidence.family in ("bce_prob", "bce_logits"):
        return Bernoulli()
    if evidence.family == "continuous_bernoulli":
        return ContinuousBernoulli()
    if evidence.family in ("gaussian_nll", "gaussian_nll_profiled"):
        return Gaussian(sigma="learned")
    return None
