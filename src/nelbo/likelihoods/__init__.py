"""Likelihoods p(x|z): one a file, each a normalised distribution over a whole example."""

from nelbo.likelihoods.base import Likelihood
from nelbo.likelihoods.bernoulli import Bernoulli
from nelbo.likelihoods.beta import Beta
from nelbo.likelihoods.beta_binomial import BetaBinomial
from nelbo.likelihoods.categorical import Categorical
from nelbo.likelihoods.columns import Columns
from nelbo.likelihoods.continuous_bernoulli import ContinuousBernoulli
from nelbo.likelihoods.discretized_logistic import DiscretizedLogistic
from nelbo.likelihoods.discretized_logistic_mixture import DiscretizedLogisticMixture
from nelbo.likelihoods.gaussian import Gaussian
from nelbo.likelihoods.heteroscedastic import Heteroscedastic
from nelbo.likelihoods.laplace import Laplace
from nelbo.likelihoods.log_normal import LogNormal
from nelbo.likelihoods.logistic import Logistic
from nelbo.likelihoods.negative_binomial import NegativeBinomial
from nelbo.likelihoods.one_hot import OneHot
from nelbo.likelihoods.pixel_cnn import PixelCNN
from nelbo.likelihoods.poisson import Poisson
from nelbo.likelihoods.recurrent import Recurrent
from nelbo.likelihoods.student_t import StudentT
from nelbo.likelihoods.zero_inflated_negative_binomial import ZeroInflatedNegativeBinomial

__all__ = [
    "Bernoulli",
    "Beta",
    "BetaBinomial",
    "Categorical",
    "Columns",
    "ContinuousBernoulli",
    "DiscretizedLogistic",
    "DiscretizedLogisticMixture",
    "Gaussian",
    "Heteroscedastic",
    "Laplace",
    "Likelihood",
    "LogNormal",
    "Logistic",
    "NegativeBinomial",
    "OneHot",
    "PixelCNN",
    "Poisson",
    "Recurrent",
    "StudentT",
    "ZeroInflatedNegativeBinomial",
]
