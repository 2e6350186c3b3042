"""The exceptions that apply to a forecast, each a sentence."""

from __future__ import annotations

import math

from torch.distributions import constraints

from nelbo.doctor.forecast.moments import Moments
from nelbo.doctor.forecast.subspace import TOLERANCE, Subspace
from nelbo.likelihoods import Gaussian, Likelihood
from nelbo.likelihoods.scale import Stated

RARE = 1e-3  # features with m (1 - m) below it inflate the spectrum of a bounded likelihood
INFLATED = 2.0  # a largest eigenvalue that chance may have doubled


def of_data(found: Moments) -> list[str]:
    """Return what has to be said where there are few examples.

    The largest eigenvalue of D independent features of variance 1 comes out of n examples as
    (1 + sqrt(D / n))^2 (Marchenko & Pastur 1967; Geman 1980).
    """
    features = len(found.mean)
    inflation = (1 + math.sqrt(features / found.examples)) ** 2
    if inflation < INFLATED:
        return []
    return [
        f"{found.examples:,} examples are few for {features:,} features: they overstate the "
        f"largest eigenvalue, of features that are independent {inflation:.3g}-fold."
    ]


def of_spectrum(found: Subspace, outputs: int) -> list[str]:
    """Return what has to be said where not all eigenvalues were computed."""
    if found.passes == 0:
        return []
    notes = [
        f"Of {outputs:,} eigenvalues the {len(found.values)} largest were computed, in "
        f"{found.passes} passes over the data, the first to {found.residual:.1g} of itself: "
        "the dimensions are at least as many as stated."
    ]
    if found.residual > TOLERANCE:
        notes.append("The largest eigenvalue has not settled: the margin is at least as stated.")
    return notes


def of_rare(rare: int, features: int) -> list[str]:
    """Return what has to be said where features were left out."""
    if not rare:
        return []
    return [
        f"{rare:,} of {features:,} features are nearly constant (m (1 - m) below {RARE:g}) and "
        "were left out: rare values inflate this spectrum."
    ]


def of_likelihood(likelihood: Likelihood, found: Moments) -> list[str]:
    """Return the exceptions that a likelihood makes."""
    notes = []
    # of values that are 0 or 1 the variance is m (1 - m), of grey ones less
    binary = found.mean * (1 - found.mean)
    grey = bool((found.variance < binary - 1e-4 * binary.max()).any())
    if likelihood.support is constraints.boolean and grey:
        notes.append(
            "Grey values are no outcomes of this likelihood: the forecast is that of its loss, "
            "which is no log-probability. Use continuous_bernoulli, or binarise."
        )
    if _learns_its_noise(likelihood):
        notes.append(
            "The noise is learned: the forecast is that of its best value, and a bad start makes "
            "collapse only transient."
        )
    return notes


def _learns_its_noise(likelihood: Likelihood) -> bool:
    if isinstance(likelihood, Gaussian):
        return not isinstance(likelihood.scale, Stated)
    return any(p.requires_grad for p in likelihood.parameters())
