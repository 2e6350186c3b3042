"""Categorical likelihood, for bytes and for tokens."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import Categorical as TorchCategorical
from torch.distributions import Distribution, Independent
from torch.types import _size

from nelbo.likelihoods.base import Likelihood, Shape
from nelbo.likelihoods.levels import coding_named, describe, increasing_inverse
from nelbo.registry import register

RARE = 1e-4  # share of a step that a mean stays away from the smallest and the largest value


class _Features(TorchCategorical):
    """A category k per feature, which stands in the data as k / unit."""

    def __init__(self, logits: Tensor, unit: int) -> None:
        self.unit = unit
        super().__init__(logits=logits, validate_args=False)

    @property
    def values(self) -> Tensor:
        return torch.arange(self.logits.shape[-1]).to(self.logits) / self.unit

    @property
    def mean(self) -> Tensor:
        return self.probs @ self.values

    @property
    def variance(self) -> Tensor:
        return (self.probs * (self.values - self.mean[..., None]) ** 2).sum(-1)

    def log_prob(self, value: Tensor) -> Tensor:
        return super().log_prob((value * self.unit).round())

    def sample(self, sample_shape: _size = torch.Size()) -> Tensor:  # noqa: B008
        return super().sample(torch.Size(sample_shape)).to(self.logits) / self.unit


# log p(x|z) = sum_d a_d[k_d] - logsumexp_j a_d[j],   a = decoder(z)
@register("likelihood", "categorical")
class Categorical(Likelihood):
    """Every feature is one of K categories, of any probabilities.

    The decoder's output is [samples, batch, K, *data_shape], the logits. The order of the
    categories means nothing to it: for bytes `discretized_logistic` needs fewer outputs.

    Source: van den Oord, Kalchbrenner & Kavukcuoglu 2016, Pixel recurrent neural networks,
    section 3.4, for the 256 values of a pixel.

    Args:
        categories: K; 256 are the values of a byte.
        coding: how category k stands in the data: `"levels"`, k / (K - 1), as bytes are after
            division by 255; `"tokens"`, k itself, as a float. For one-hot data there is the
            likelihood `one_hot`.

    Raises:
        ValueError: fewer than two categories, or another coding.

    Example:
        >>> px = Categorical()(torch.zeros(1, 3, 256, 784))
        >>> round(px.log_prob(torch.ones(3, 784))[0, 0].item() / 784, 4)  # -log 256
        -5.5452

    """

    def __init__(self, categories: int = 256, coding: str = "levels") -> None:
        super().__init__()
        self.categories, self.coding = categories, coding
        describe(self, "categories", categories, coding_named(coding))
        self._unit = coding_named(coding).unit(categories)

    def parameter_shape(self, data_shape: Shape) -> Shape:
        """Return (K, *data_shape)."""
        return (self.categories, *data_shape)

    def forward(self, parameters: Float[Tensor, "samples batch categories *event"]) -> Distribution:
        """Return p(x|z) for logits of shape [samples, batch, K, *data_shape]."""
        features = _Features(parameters.movedim(2, -1), self._unit)
        return Independent(features, parameters.dim() - 3, validate_args=False)

    @property
    def belief(self) -> str:
        """What this likelihood takes the data to be."""
        return f"categorical: every feature is one of {self.categories} {self.coding}"

    # p_k ~ e^(t k / (K - 1)), the pmf of this mean whose entropy is largest
    def output_at(self, mean: Float[Tensor, " *event"]) -> Float[Tensor, "*output"]:
        """Return logits that rise or fall evenly from the first category to the last."""
        places = torch.linspace(0, 1, self.categories).to(mean)
        margin = RARE / self.categories
        share = (mean * self._unit / (self.categories - 1)).clamp(margin, 1 - margin)
        steepest = 20.0 * self.categories

        def at(tilt: Tensor) -> Tensor:
            return torch.softmax(tilt[..., None] * places, -1) @ places

        tilt = increasing_inverse(at, share, -steepest, steepest)
        return (tilt[..., None] * places).movedim(-1, 0)
