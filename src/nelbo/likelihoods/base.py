"""What every likelihood is: a decoder's output turned into a distribution over whole examples."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.distributions import Distribution
from torch.distributions.constraints import Constraint

from nelbo.errors import BadValue, NelboWarning

Shape = tuple[int, ...]

HALF_LEVEL = 1 / 512  # half a grey level of 8-bit data


class Likelihood(nn.Module, ABC):
    """p(x|z): a module whose `forward` returns a distribution over a whole example.

    The distribution has batch shape [samples, batch] and event shape `data_shape`, so that its
    `log_prob` is in nats per example and nothing is left to reduce.

    Attributes:
        support: where `log_prob` is a normalised log-density.
        domain: where it can be computed at all; data between the two is warned about.
        base_measure: what the density is a density against; only equal ones compare.
        requirement: what data in the domain is, in words.
        advice: what to do with data outside the domain.
        warning: what to do with data in the domain but outside the support, if there can be any.
        bears_bf16: whether outputs of three digits leave the bound within 0.2 nats, as measured.

    """

    support: Constraint
    domain: Constraint
    base_measure: str
    requirement: str
    advice: str
    warning: str = ""
    bears_bf16: bool = False

    @abstractmethod
    def forward(self, parameters: Float[Tensor, "samples batch *event"]) -> Distribution:
        """Return p(x|z) for the decoder's output, [samples, batch, *parameter_shape]."""

    @property
    @abstractmethod
    def belief(self) -> str:
        """One phrase that says what this likelihood takes the data to be."""

    def noise_variance(self, mean: Float[Tensor, "*event"]) -> Float[Tensor, "*event"] | None:
        """Variance V(mean) that a feature of this mean has under p(x|z).

        None where the mean does not say it: the decoder predicts the variance, or there is none.
        Here the one variance that all features share.
        """
        shared = self.implied_variance
        return None if shared is None else torch.full_like(mean, shared)

    @abstractmethod
    def output_at(self, mean: Float[Tensor, " *event"]) -> Float[Tensor, " *parameters"]:
        """Return the decoder's output, [*parameter_shape], at which p(x|z) has this mean.

        A mean on the edge of bounded data is moved half a grey level inside, where the output is
        still finite.
        """

    def collapsed_variance(
        self, mean: Float[Tensor, "*event"], variance: Float[Tensor, "*event"]
    ) -> Float[Tensor, "*event"] | None:
        """Variance of each feature under the best p(x) that ignores z: H of the forecast.

        None where the data's mean and variance do not say it.

        Args:
            mean: of the data, per feature.
            variance: of the data, per feature; a learned noise variance follows it.
        """
        return self.noise_variance(mean)

    @property
    def implied_variance(self) -> float | None:
        """The one noise variance sigma^2 that all features share, where there is one."""
        return None

    def shown(self, x: Float[Tensor, " batch *event"]) -> Float[Tensor, " batch *event"]:
        """Return what an encoder is shown of the data, of the same shape: here the data itself.

        It changes what q(z|x) can easily learn, and no density.
        """
        return x

    def start(  # noqa: B027 - most learn nothing beside the mean
        self, mean: Float[Tensor, " *event"], variance: Float[Tensor, " *event"]
    ) -> None:
        """Begin what is learned beside the mean, if anything is, at the spread of the data.

        Args:
            mean: of the data, per feature.
            variance: of the data, per feature, where z explains nothing yet.
        """

    def setup(self, data_shape: Shape) -> None:  # noqa: B027 - most have nothing to create
        """Create what depends on the shape of an example; the model calls it once.

        Called again, for the same shape it changes nothing.
        """

    def parameter_shape(self, data_shape: Shape) -> Shape:
        """Return the shape of the decoder's output for one example.

        With P numbers a feature it is (P, *data_shape).
        """
        return data_shape

    def check(self, x: Tensor) -> bool:
        """Refuse data outside `domain`; return whether all of it lies inside `support`.

        Raises:
            ValueError: a value is not finite, or outside `domain`.

        """
        name = type(self).__name__
        if not bool(torch.isfinite(x).all()):
            missing = float(x.isnan().double().mean())
            raise BadValue(
                "data",
                expected="finite values",
                got=f"NaN in {100 * missing:.3g} % of the entries"
                if missing
                else f"{x[~x.isfinite()][0].item()}",
                fix="Pass missing=True to VAE, or --missing, to leave missing entries out."
                if missing
                else "Remove those examples.",
            )
        if not bool(self.domain.check(x).all()):
            raise BadValue(
                f"data for {name}",
                expected=self.requirement,
                got=f"values from {x.min().item():g} to {x.max().item():g}",
                fix=self.advice,
            )
        return bool(self.support.check(x).all())

    def warn_outside_support(self) -> None:
        """Say once that the data lies outside the support, and what to do about it."""
        warnings.warn(f"{type(self).__name__}: {self.warning}", NelboWarning, stacklevel=3)
