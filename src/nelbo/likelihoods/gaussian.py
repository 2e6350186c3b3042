"""Gaussian likelihood, for real values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import Distribution, Independent, Normal

from nelbo.checks import positive
from nelbo.errors import BadType, BadValue, nearest
from nelbo.likelihoods.base import HALF_LEVEL, Likelihood, Shape
from nelbo.likelihoods.reals import Reals
from nelbo.likelihoods.scale import SCALES, Scale, Stated
from nelbo.registry import register


@dataclass(frozen=True)
class Link:
    """The map between the decoder's output and the mean, in both directions."""

    mean: Callable[[Tensor], Tensor]
    output: Callable[[Tensor], Tensor]


LINKS = {
    "identity": Link(mean=lambda output: output, output=lambda mean: mean),
    "logit": Link(mean=torch.sigmoid, output=partial(torch.logit, eps=HALF_LEVEL)),
}


class _Features(Normal):
    """A Gaussian per feature whose sigma may be the optimal one for the data at hand."""

    def __init__(self, mean: Tensor, scale: Scale) -> None:
        self._observe = scale.observe
        super().__init__(mean, scale(), validate_args=False)

    def log_prob(self, value: Tensor) -> Tensor:
        squared_error = (value - self.loc) ** 2
        variance = self._observe(squared_error) ** 2
        return -0.5 * (squared_error / variance + torch.log(2 * torch.pi * variance))


# log p(x|z) = -|x - m(z)|^2 / (2 sigma^2) - D/2 log(2 pi sigma^2)
@register("likelihood", "gaussian")
class Gaussian(Reals, Likelihood):
    """Every feature is its mean plus noise of variance sigma^2.

    Up to constants a squared error is this likelihood with a variance nobody chose: the sum over
    the D features with sigma^2 = 1/2, the mean over them with sigma^2 = D/2.

    Source: Rybkin, Daniilidis & Levine 2021, Simple and effective VAE training with calibrated
    decoders (sigma-VAE), equations 3 to 6, for the learned and the optimal sigma.

    Args:
        variance: sigma^2, stated.
        sigma: `"learned"` (one parameter), `"optimal"` (closed form, sigma-VAE) or
            `"per_feature"` (one parameter a feature). Only one of `variance` and `sigma` may be
            given; with neither, sigma is learned.
        link: `"identity"`: the decoder's output is the mean; `"logit"`: its sigmoid is, for data
            in [0, 1].

    Example:
        >>> px = Gaussian(variance=0.5)(torch.zeros(1, 3, 784))
        >>> px.log_prob(torch.zeros(3, 784)).shape
        torch.Size([1, 3])

    """

    warning = (
        "whole numbers that are not negative look like counts, whose variance grows with their "
        "mean. Use the likelihood 'negative_binomial', or divide bytes by 255."
    )

    def __init__(
        self, variance: float | None = None, sigma: str | None = None, link: str = "identity"
    ) -> None:
        super().__init__()
        if variance is not None and sigma is not None:
            raise BadValue(
                "Gaussian",
                expected="either variance or sigma",
                got="both",
                fix=f"Leave out sigma='{sigma}' to keep variance={variance:g}.",
            )
        if variance is not None:
            positive("variance", variance, fix="Use sigma='learned' to have it found.")
        if isinstance(sigma, int | float):
            fix = f"A number is the variance, its square: variance={sigma**2:g}."
            raise BadType("sigma", expected="a rule's name", got=sigma, fix=fix)
        if sigma is not None and sigma not in SCALES:
            raise BadValue(
                "sigma",
                expected="a known rule",
                got=f"'{sigma}'",
                fix=f"{nearest(sigma, SCALES)} A number is given as variance=...",
            )
        if link not in LINKS:
            raise BadValue(
                "link", expected="a known link", got=f"'{link}'", fix=nearest(link, LINKS)
            )
        self.variance, self.sigma, self.link = variance, sigma, link
        self.scale = Stated(variance) if variance is not None else SCALES[sigma or "learned"]()

    def forward(self, parameters: Float[Tensor, "samples batch *event"]) -> Distribution:
        """Return p(x|z) for means (before the link) of shape [samples, batch, *data_shape]."""
        features = _Features(LINKS[self.link].mean(parameters), self.scale)
        return Independent(features, parameters.dim() - 2, validate_args=False)

    def check(self, x: Tensor) -> bool:
        """Refuse what is not finite, or no mean can reach; return False where it looks like counts.

        Counts are whole numbers that are not negative, some of them above 1.
        """
        inside = super().check(x)
        if self.link == "logit" and not bool(((x >= 0) & (x <= 1)).all()):
            raise BadValue(
                "data for Gaussian, link=logit",
                expected="values in [0, 1], where its means are",
                got=f"values from {x.min().item():g} to {x.max().item():g}",
                fix="Scale the data, or use link=identity.",
            )
        return inside and not _are_counts(x)

    def setup(self, data_shape: Shape) -> None:
        """Create what sigma needs to know the shape of an example for."""
        self.scale.setup(data_shape)

    def start(self, mean: Float[Tensor, " *event"], variance: Float[Tensor, " *event"]) -> None:
        """Begin at the sigma that is best where z explains nothing."""
        self.scale.start(variance)

    @property
    def implied_variance(self) -> float | None:
        """The noise variance sigma^2, None where features have different ones."""
        if self.variance is not None:
            return float(self.variance)  # as stated, not its square root squared
        low, high = self.scale.variance_range
        return low if low == high else None

    @property
    def belief(self) -> str:
        """What this likelihood takes the data to be."""
        low, high = self.scale.variance_range
        sizes = f"= {low:.4g}" if low == high else f"from {low:.4g} to {high:.4g}"
        return f"Gaussian: noise of variance sigma^2 {sizes} ({self.scale.source})"

    def output_at(self, mean: Float[Tensor, " *event"]) -> Float[Tensor, " *event"]:
        """Return the link of the mean."""
        return LINKS[self.link].output(mean)

    def noise_variance(self, mean: Float[Tensor, "*event"]) -> Float[Tensor, "*event"]:
        """Return sigma^2 for every feature."""
        shared = self.implied_variance
        if shared is not None:
            return torch.full_like(mean, shared)
        return (self.scale().detach() ** 2).to(mean).reshape(mean.shape)

    def collapsed_variance(
        self, mean: Float[Tensor, "*event"], variance: Float[Tensor, "*event"]
    ) -> Float[Tensor, "*event"]:
        """Return sigma^2 where it is stated, else what it is at its best."""
        return self.scale.best(variance)


def _are_counts(x: Tensor) -> bool:
    low, high = x.aminmax()
    varies = bool(low < high)  # a constant column counts nothing
    return varies and bool(low >= 0) and bool(high > 1) and bool((x == x.round()).all())
