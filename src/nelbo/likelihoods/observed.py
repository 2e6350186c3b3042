"""Missing entries: what is NaN in the data has no part in log p(x|z)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import Distribution, Independent, constraints
from torch.distributions.constraints import Constraint
from torch.types import _size

from nelbo.errors import BadType, BadValue
from nelbo.likelihoods.base import Likelihood, Shape
from nelbo.likelihoods.scale import Scale

CANDIDATES = (0.5, 0.0, 1.0)  # the first of them inside a support is its filler


@runtime_checkable
class PerFeature(Protocol):
    """A distribution over a whole example that also knows the density of each of its features."""

    def log_probs(self, value: Tensor) -> Tensor:
        """Return log p(x_d|z) of every feature, [samples, batch, *event]."""
        ...


# log p(x_o|z) = sum over observed d of log p(x_d|z)
class Observed(Distribution):
    """p(x|z) of data with missing entries, which are NaN.

    Given z the features are independent, so that integrating a missing one out leaves the others'
    sum: it adds exactly 0 to `log_prob` and to every gradient. All else is that of `px` itself:
    the mean of a missing entry is what the model imputes.

    Source: Nazabal, Olmos, Ghahramani & Valera 2020, Handling incomplete heterogeneous data using
    VAEs, section 3.

    Args:
        px: p(x|z): `Independent` over every axis of an example, or with a method `log_probs`.
        filler: a value inside the support, [] or one for each feature; see `filler`.

    Raises:
        TypeError: a distribution whose features have no densities of their own.

    Example:
        >>> from nelbo.likelihoods import Gaussian
        >>> px = Observed(Gaussian(variance=1.0)(torch.zeros(1, 2, 3)), torch.tensor(0.0))
        >>> nan = float("nan")
        >>> px.log_prob(torch.tensor([[0.0, nan, nan], [nan, nan, nan]]))
        tensor([[-0.9189,  0.0000]])

    """

    def __init__(self, px: Distribution, filler: Float[Tensor, "*event"]) -> None:
        self._log_probs = log_probs_of(px)
        self.px, self.filler = px, filler
        super().__init__(px.batch_shape, px.event_shape, validate_args=False)

    def log_prob(self, value: Tensor) -> Tensor:
        """Return the sum of log p(x_d|z) over the observed features, [samples, batch]."""
        each = self._log_probs(fill(value, self.filler))
        # the filler is inside the support, so that both branches and their slopes are finite
        seen = torch.where(value.isnan(), torch.zeros_like(each), each)
        return seen.flatten(-len(self.event_shape)).sum(-1)

    @property
    def mean(self) -> Tensor:
        """Mean of p(x|z), of missing entries too."""
        return self.px.mean

    @property
    def mode(self) -> Tensor:
        """Most probable x, of missing entries too."""
        return self.px.mode

    @property
    def variance(self) -> Tensor:
        """Variance of each feature under p(x|z)."""
        return self.px.variance

    @property
    def support(self) -> Any:
        """Where the density of whole examples is normalised."""
        return self.px.support

    def sample(self, sample_shape: _size = torch.Size()) -> Tensor:  # noqa: B008
        """Return whole examples, nothing missing."""
        return self.px.sample(sample_shape)

    def rsample(self, sample_shape: _size = torch.Size()) -> Tensor:  # noqa: B008
        """Return whole examples, through which gradients flow."""
        return self.px.rsample(sample_shape)

    def entropy(self) -> Tensor:
        """Return the entropy of whole examples."""
        return self.px.entropy()


def fill(x: Float[Tensor, "*batch"], filler: Float[Tensor, "*event"]) -> Float[Tensor, "*batch"]:
    """Return the data with its missing entries filled in.

    Example:
        >>> fill(torch.tensor([[1.0, float("nan")]]), torch.tensor([5.0, 6.0])).tolist()
        [[1.0, 6.0]]

    """
    return torch.where(x.isnan(), filler.to(x), x)


def filler(likelihood: Likelihood, data_shape: Shape) -> Float[Tensor, "*event"]:
    """Return what stands in for missing entries while densities are computed: it is inside.

    Which value does not matter, since what is computed there is left out.

    Args:
        likelihood: after its `setup`.
        data_shape: shape of one example.

    Raises:
        TypeError: a likelihood whose features are not independent, so that a missing one cannot
            be left out.
        ValueError: one whose sigma is computed from the whole batch, fillers included.

    Example:
        >>> from nelbo.likelihoods import Bernoulli
        >>> filler(Bernoulli(), (784,))
        tensor(0.)

    """
    for module in likelihood.modules():
        if isinstance(module, Scale) and type(module).observe is not Scale.observe:
            raise BadValue(
                f"missing entries under {type(likelihood).__name__}",
                expected="a sigma that does not depend on the data at hand",
                got=f"sigma={module.source}",
                fix="Use sigma=learned, or fill in the missing entries.",
            )
    outputs = torch.zeros(1, 1, *likelihood.parameter_shape(data_shape))
    log_probs_of(likelihood(outputs))
    return _inside(likelihood.support, type(likelihood).__name__)


def log_probs_of(px: Distribution) -> Callable[[Tensor], Tensor]:
    """Return the function that gives log p(x_d|z) of every feature, [samples, batch, *event].

    Raises:
        TypeError: the features are coupled, or it cannot be known that they are not.

    """
    if isinstance(px, PerFeature):
        return px.log_probs
    if isinstance(px, Independent) and not px.base_dist.event_shape:
        return px.base_dist.log_prob
    inner = px.base_dist if isinstance(px, Independent) else px
    raise BadType(
        "missing entries",
        expected="a likelihood whose features are independent given z",
        got=f"{type(inner).__name__}, which couples them",
        fix="Use another likelihood, or remove or fill in the missing entries.",
    )


def _inside(support: Constraint, name: str) -> Tensor:
    """Return a value inside a support, one for each column where they differ."""
    if isinstance(support, constraints.cat):
        pairs = zip(support.cseq, support.lengths, strict=True)
        return torch.cat([_inside(part, name).expand(size) for part, size in pairs])
    for value in torch.tensor(CANDIDATES):
        if support.event_dim == 0 and bool(support.check(value)):
            return value
    raise BadValue(
        f"missing entries under {name}",
        expected=f"a support with one of {', '.join(f'{c:g}' for c in CANDIDATES)} inside",
        got=f"{support!r}",
        fix="Use another likelihood, or remove or fill in the missing entries.",
    )
