"""Likelihoods p(x|z): one a file, each a normalised distribution over a whole example."""

from nelbo.likelihoods.base import Likelihood
from nelbo.likelihoods.bernoulli import Bernoulli
from nelbo.likelihoods.continuous_bernoulli import ContinuousBernoulli
from nelbo.likelihoods.gaussian import Gaussian

__all__ = ["Bernoulli", "ContinuousBernoulli", "Gaussian", "Likelihood"]
