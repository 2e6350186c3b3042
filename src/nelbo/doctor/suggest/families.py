"""The families that the chooser knows: the only place where it names likelihoods."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch

from nelbo import registry
from nelbo.doctor.suggest import densities, masses
from nelbo.doctor.suggest.densities import Each, Values
from nelbo.errors import NelboError
from nelbo.likelihoods import Likelihood

CLEAR = 10.0  # a difference of BICs that leaves no doubt (Kass & Raftery 1995)
WORTH = 0.005  # nats per value that make a family of another shape worth its name


@dataclass(frozen=True)
class Family:
    """A likelihood as the chooser sees it.

    Attributes:
        texts: for the registry, the first that it can build counts; `{levels}` and `{trials}`
            are filled in.
        when: what speaks for it.
        fit: the largest log-likelihood of each feature by itself, and its parameters.
        parameters: of a feature; None: one fewer than there are levels.
        shared: parameters that all features have in common.
    """

    texts: tuple[str, ...]
    when: str
    fit: Callable[[Values], Each] | None = None
    parameters: int | None = 1
    shared: int = 0

    def text(self, **facts: object) -> str | None:
        """Return the first text that the registry can build; None if there is none."""
        texts = (text.format(**facts) for text in self.texts)
        return next((text for text in texts if built(text) is not None), None)


BERNOULLI = Family(("bernoulli",), "the values are 0 and 1")
PER_FEATURE = Family(
    ("gaussian:sigma=per_feature",), "every feature has its own noise", densities.normal, 2
)
GAUSSIAN = Family(
    ("gaussian:sigma=learned",), "a density on real values, its noise learned", densities.normal, 2
)
STATED = "gaussian:variance=1"  # of what does not vary: a learned sigma would go to 0 there
LAPLACE = Family(("laplace",), "errors are rare and large: medians matter", densities.two_sided, 2)
LOGISTIC = Family(("logistic",), "tails are a little heavier than a Gaussian's",
                  densities.logistic, 2)  # fmt: skip
STUDENT = Family(("student_t",), "there are outliers", densities.heavy_tailed, 2, 1)
LOG_NORMAL = Family(
    ("log_normal",), "values are positive and errors are percentages", densities.log_normal, 2
)
BETA = Family(("beta",), "values are shares between 0 and 1, of any noise", densities.beta, 2)
CONTINUOUS = Family(
    ("continuous_bernoulli",), "values in [0, 1], edges included, one parameter each",
    densities.tilted, 1,
)  # fmt: skip
DISCRETISED = Family(
    ("discretized_logistic",), "a mass on the 256 grey levels, in bits that others report too"
)
MIXTURE = Family(("discretized_logistic_mixture",), "the same with several peaks a pixel, slower")
POISSON = Family(("poisson",), "counts whose variance is their mean", masses.rare, 1)
DISPERSED = Family(
    ("negative_binomial",), "counts whose variance exceeds their mean", masses.spread, 2
)
INFLATED = Family(
    ("zero_inflated_negative_binomial",), "more zeros than such counts have", masses.with_zeros, 3
)
CAPPED = Family(
    ("beta_binomial:total={trials}",),
    "so many successes of a known number of trials", masses.capped, 3,
)  # fmt: skip
CATEGORICAL = Family(
    ("categorical:categories={levels},coding=tokens",),
    "the numbers are names of classes without an order", masses.free, None,
)  # fmt: skip
ROUNDED = Family(GAUSSIAN.texts, "counts so large that they are as good as real", masses.rounded, 2)

DENSITIES = (GAUSSIAN, LOG_NORMAL, LAPLACE, LOGISTIC, STUDENT)
SHARES = (CONTINUOUS, BETA, GAUSSIAN)
COUNTS = (POISSON, DISPERSED, INFLATED, CAPPED, CATEGORICAL, ROUNDED)
COLUMNS = "columns"


def built(text: str) -> Likelihood | None:
    """Return the likelihood of a text; None where the registry knows none."""
    try:
        return registry.build("likelihood", text)
    except NelboError:
        return None


def fitted(families: tuple[Family, ...], x: Values, levels: int) -> dict[Family, float]:
    """Return each family's BIC, -2 log p + k log n, over all features; infinite if it cannot be.

    Source: Schwarz 1978, Estimating the dimension of a model.
    """
    found = {}
    for family in families:
        count = levels - 1 if family.parameters is None else family.parameters
        assert family.fit is not None
        each = -2 * family.fit(x) + count * math.log(len(x))
        bic = float(torch.where(each.isfinite(), each, math.inf).sum())
        found[family] = bic + family.shared * math.log(len(x))
    return found


def ranked(bics: Mapping[Family, float], values: int) -> list[Family]:
    """Return the families that can be, best first; the first one given gives way only to proof.

    Example:
        >>> [f.texts[0] for f in ranked({POISSON: 100.0, DISPERSED: 95.0}, values=10)]
        ['poisson', 'negative_binomial']
    """
    simplest = next(iter(bics))
    ahead = max(CLEAR, 2 * WORTH * values)
    order = sorted((f for f in bics if math.isfinite(bics[f])), key=bics.__getitem__)
    if order and simplest in order and bics[simplest] - bics[order[0]] < ahead:
        order.remove(simplest)
        order.insert(0, simplest)
    return order
