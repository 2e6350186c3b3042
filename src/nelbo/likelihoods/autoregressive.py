"""What autoregressive decoders share: likelihoods that own a causal network."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.distributions import Distribution, Independent

from nelbo.checks import component, count
from nelbo.errors import BadValue
from nelbo.likelihoods.base import Likelihood, Shape
from nelbo.likelihoods.bernoulli import Bernoulli
from nelbo.likelihoods.chain import Causal, Chain
from nelbo.likelihoods.reading import reading


# p(x|z) = prod_i p(x_i | x_1, ..., x_{i-1}, z)
class Autoregressive(nn.Module, ABC):
    """Each feature has a likelihood whose parameters depend on z and on the features before it.

    The decoder's output is not those parameters but maps of features, on which a network of the
    likelihood's own is conditioned, [samples, batch, features, *grid]. What that network can tell
    without z the latents need not say: look at the KL.

    Args:
        of: the likelihood of a feature given those before it; parameters of its own, such as a
            learned sigma, are shared by all places.
        features: how many maps the decoder gives.

    Raises:
        TypeError: `of` is not a likelihood.
        ValueError: it couples its features, or an example does not have the axes it takes.

    Attributes:
        places: how many axes of an example the network runs along, the last ones.
        most: how many axes an example may have.
        axes: what they are, in words.
    """

    places: ClassVar[int]
    most: ClassVar[int]
    axes: ClassVar[str]
    network: Causal

    def __init__(self, of: Likelihood, features: int) -> None:
        super().__init__()
        self.of = component("of", of, Likelihood, Bernoulli)
        self.features = count("features", features, least=1, usual=8)
        self.support, self.domain, self.base_measure = of.support, of.domain, of.base_measure
        self.requirement, self.advice, self.warning = of.requirement, of.advice, of.warning
        self.reading = reading(of)
        self._channels: Shape | None = None

    @abstractmethod
    def make(self, channels: int, outputs: int) -> Causal:
        """Return the network.

        Args:
            channels: features at one place.
            outputs: parameters of each.
        """

    def hide(self, seen: Float[Tensor, "n width *event"]) -> Float[Tensor, "n width *event"]:
        """Return what remains of what would be read, where values are given: here all of it."""
        return seen

    def setup(self, data_shape: Shape) -> None:
        """Create the network; it runs on grids of any size."""
        self._require(data_shape)
        channels = tuple(data_shape[: -self.places])
        place = (*channels, *(1,) * self.places)
        self.of.setup(place)
        if self._channels != channels:
            self._channels = channels
            outputs = math.prod(self._at(place)) // math.prod(place)
            self.network = self.make(math.prod(channels), outputs)

    def parameter_shape(self, data_shape: Shape) -> Shape:
        """Return (features, *grid), the shape of the maps."""
        self._require(data_shape)
        return (self.features, *data_shape[-self.places :])

    def forward(self, parameters: Float[Tensor, "samples batch features *grid"]) -> Distribution:
        """Return p(x|z) for maps of features."""
        assert self._channels is not None, "setup has not been called"
        return Chain(self, parameters, (*self._channels, *parameters.shape[-self.places :]))

    def check(self, x: Tensor) -> bool:
        """Refuse what `of` refuses; return whether all of the data is inside its support."""
        return self.of.check(x)

    @property
    def belief(self) -> str:
        """What this likelihood takes the data to be."""
        return f"each feature given z and those before it; {self.of.belief}"

    def output_at(self, mean: Float[Tensor, " *event"]) -> Float[Tensor, " *maps"]:
        """Return zeros: maps of features say nothing of a mean."""
        return mean.new_zeros(self.features, *mean.shape[-self.places :])

    # where the network is at its best without z, x_i - E[x_i|x_<i] are uncorrelated, J = H and
    # every eigenvalue is 1; how much better than that z makes it, only the fitted network knows
    def collapsed_variance(
        self, mean: Float[Tensor, "*event"], variance: Float[Tensor, "*event"]
    ) -> None:
        """Refuse: the data's moments say nothing of what a network leaves for z to say.

        Raises:
            ValueError: always.
        """
        raise BadValue(
            f"forecast of {type(self).__name__}",
            expected="a likelihood whose features are independent given z",
            got="one that predicts each from those before it: what that leaves for the latents "
            "to say is known only once its network is trained",
            fix="Train it and look at the KL, or forecast the likelihood it is made of.",
        )

    def _require(self, data_shape: Shape) -> None:
        if not self.places <= len(data_shape) <= self.most:
            raise BadValue(
                f"data for {type(self).__name__}",
                expected=f"examples of shape {self.axes}",
                got=f"{list(data_shape)}",
                fix="Reshape it, or use the likelihood it is made of alone.",
            )

    def _at(self, place: Shape) -> Shape:
        """Return the shape of the parameters at one place; they must be each feature's own."""
        shape = self.of.parameter_shape(place)
        px = self.of(torch.zeros(1, 1, *shape))
        alone = isinstance(px, Independent) and not px.base_dist.event_shape
        if not alone or tuple(shape[-len(place) :]) != place:
            raise BadValue(
                "of",
                expected="a likelihood whose features are independent given its parameters",
                got=type(self.of).__name__,
                fix="For example 'bernoulli', 'discretized_logistic' or 'categorical'.",
            )
        return shape
