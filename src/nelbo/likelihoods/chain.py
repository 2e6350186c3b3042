"""The distribution of an autoregressive decoder: each feature given those before it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from functools import cached_property
from typing import ClassVar, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.distributions import Distribution, constraints
from torch.distributions.constraints import Constraint
from torch.types import _size

from nelbo.likelihoods.base import Likelihood, Shape
from nelbo.likelihoods.observed import log_probs_of
from nelbo.likelihoods.reading import Reading

PASSES = 4  # of the network, for a mean


class Causal(nn.Module):
    """A network whose output at a place depends on what was seen before that place alone."""

    @abstractmethod
    def forward(
        self, seen: Float[Tensor, "n width channels *grid"], given: Float[Tensor, "n maps *grid"]
    ) -> Float[Tensor, "n outputs channels *grid"]:
        """Return every place's parameters in one pass, given all that there is to be seen.

        Args:
            seen: what the network reads of the values.
            given: the decoder's output.
        """

    @abstractmethod
    def unroll(
        self,
        given: Float[Tensor, "n maps *grid"],
        read: Reading,
        draw: Callable[[Tensor], Tensor],
    ) -> Float[Tensor, "n channels *grid"]:
        """Return values drawn one after the other.

        Args:
            given: the decoder's output.
            read: what the network reads of values.
            draw: from one place's parameters, [n, outputs, channels, 1, ...], to its values,
                [n, channels, 1, ...].
        """


@runtime_checkable
class Links(Protocol):
    """What a chain is made of.

    Attributes:
        of: each feature's likelihood.
        network: gives the parameters of it.
        reading: what the network reads of values.
        places: how many axes of an example the network runs along, the last ones.
    """

    of: Likelihood
    network: Causal
    reading: Reading
    places: ClassVar[int]

    def hide(self, seen: Tensor) -> Tensor:
        """Return what remains of what would be read, where values are given."""
        ...


# log p(x|z) = sum_i log p(x_i | x_1, ..., x_{i-1}, z)
class Chain(Distribution):
    """p(x|z) of whole examples whose features are drawn one after the other.

    Densities take one pass of the network, draws one for each place and have no gradient. The
    mean of such a distribution has no closed form. `mean` feeds the network with expected values
    instead of drawn ones, as mean-field theory does, from nothing seen at all, four times over; so
    does `variance`. It is smooth in the decoder's output, does not know x, and is the same for all
    z if and only if the network ignores z: what reconstructions and the doctor need, and all that
    is to be read from it. `moments_are_estimated` says so.

    Args:
        links: of which it is made.
        given: the decoder's output, [samples, batch, maps, *grid].
        event_shape: of an example, [*channels, *grid].
    """

    moments_are_estimated = True

    def __init__(
        self, links: Links, given: Float[Tensor, "samples batch *output"], event_shape: Shape
    ) -> None:
        self.links, self.given = links, given
        self._channels = event_shape[: -links.places]
        super().__init__(given.shape[:2], torch.Size(event_shape), validate_args=False)

    @property
    def arg_constraints(self) -> dict[str, Constraint]:
        """None: they are a decoder's output."""
        return {}

    @property
    def support(self) -> Constraint:
        """Where the density of whole examples is normalised."""
        return constraints.independent(self.links.of.support, len(self.event_shape))

    def log_prob(self, value: Tensor) -> Tensor:
        """Return log p(x|z), [samples, batch]."""
        return self.log_probs(value).flatten(-len(self.event_shape)).sum(-1)

    def log_probs(self, value: Tensor) -> Tensor:
        """Return log p(x_i | x_<i, z) of every feature, [samples, batch, *event].

        Where some of x is missing, whatever stands in its place is what the network reads: what
        is observed then has a normalised density, but not the marginal one of whole examples.
        """
        lead = torch.broadcast_shapes(value.shape[: -len(self.event_shape)], self.batch_shape)
        x = value.expand(*lead, *self.event_shape).reshape(-1, *self.event_shape)
        seen = self.links.hide(self.links.reading(self._canonical(x)))
        each = log_probs_of(self._px(seen, self._given(lead)))(x)
        return each.reshape(*lead, *self.event_shape)

    @property
    def mean(self) -> Tensor:
        """Mean of each feature given expected values before it, [samples, batch, *event]."""
        return self._expected.mean.reshape(self.batch_shape + self.event_shape)

    @property
    def variance(self) -> Tensor:
        """Variance of each feature given expected values before it."""
        return self._expected.variance.reshape(self.batch_shape + self.event_shape)

    @torch.no_grad()
    def sample(self, sample_shape: _size = torch.Size()) -> Tensor:  # noqa: B008
        """Return draws of whole examples, feature after feature."""
        lead = torch.Size(sample_shape) + self.batch_shape
        place = (*self._channels, *(1,) * self.links.places)

        def draw(parameters: Tensor) -> Tensor:
            return self._canonical(self._shaped(parameters, place).sample()[0])

        x = self.links.network.unroll(self._given(lead), self.links.reading, draw)
        return x.reshape(lead + self.event_shape)

    @cached_property
    def _expected(self) -> Distribution:
        """What the features are, in the end, where each is given expected values before it."""
        given = self._given(self.batch_shape)
        x = given.new_zeros(len(given), *self.event_shape)
        seen = torch.zeros_like(self.links.reading(self._canonical(x)))
        for _ in range(PASSES - 1):
            seen = self.links.reading.expected(self._px(seen, given)).reshape_as(seen)
        return self._px(seen, given)

    def _px(self, seen: Tensor, given: Tensor) -> Distribution:
        """Return the features' distributions, batch shape [1, n]."""
        # under autocast the network's arithmetic is bfloat16; densities are computed in full
        parameters = self.links.network(seen, given).to(given.dtype)
        return self._shaped(parameters, self.event_shape)

    def _shaped(self, parameters: Tensor, event_shape: Shape) -> Distribution:
        shape = self.links.of.parameter_shape(event_shape)
        return self.links.of(parameters.reshape(1, len(parameters), *shape))

    def _given(self, lead: Shape) -> Float[Tensor, "n maps *grid"]:
        """Return the decoder's output for each of the examples."""
        output = self.given.shape[2:]
        return self.given.expand(*lead, *output).reshape(-1, *output)

    def _canonical(self, x: Float[Tensor, " n *event"]) -> Float[Tensor, "n channels *grid"]:
        """Return values with one axis of channels, where there may have been none or several."""
        return x.reshape(len(x), -1, *x.shape[x.dim() - self.links.places :])
