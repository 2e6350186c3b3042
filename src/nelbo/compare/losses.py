"""The question's losses, each as people write it and as the likelihood that it is."""

from __future__ import annotations

from dataclasses import dataclass

from nelbo import registry
from nelbo.likelihoods import Likelihood


@dataclass(frozen=True)
class Loss:
    """A loss of the question.

    Attributes:
        key: short name for files and links.
        name: as people write it.
        likelihood: the same as a likelihood, in the registry's text.
    """

    key: str
    name: str
    likelihood: str

    def build(self) -> Likelihood:
        """Return the likelihood."""
        return registry.build("likelihood", self.likelihood)


def losses(features: int, unit_interval: bool) -> tuple[Loss, ...]:
    """Return the question's three losses, and the two that need no tuning.

    Averaging the squared error over D features is a Gaussian of variance D/2, summing it one of
    variance 1/2 (both with the KL in nats beside them).

    Args:
        features: D, the number of features of an example.
        unit_interval: whether the data lies in [0, 1]; then a sigmoid keeps the means there, as
            in the question.

    Example:
        >>> losses(784, unit_interval=True)[1].likelihood
        'gaussian:variance=392,link=logit'
    """
    link = ",link=logit" if unit_interval else ""
    return (
        Loss("bernoulli_nll", "F.bernoulli_nll", "bernoulli"),
        Loss(
            "mean_squared_error",
            "F.mean_squared_error",
            f"gaussian:variance={features / 2:.15g}{link}",
        ),
        Loss("sum_squared_error", SUM, f"gaussian:variance=0.5{link}"),
        Loss("learned_sigma", "gaussian, learned sigma", f"gaussian:sigma=learned{link}"),
        Loss("continuous_bernoulli", "continuous_bernoulli", "continuous_bernoulli"),
    )


SUM = "F.mean(F.sum((x - y)**2, axis=1))"
