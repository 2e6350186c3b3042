"""`Inputs`: what an example brings beside its data: covariates, and entries that are missing."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.distributions import Distribution

from nelbo.errors import BadValue
from nelbo.likelihoods.observed import Observed, fill


class Inputs(nn.Module):
    """Splits examples into data and covariates, and gives either to the networks.

    Covariates reach the encoder as a learned shift of its input, which for a network that begins
    with a linear layer is what concatenation would be; the decoder has them beside the latents.

    Args:
        data_shape: shape of the data of one example.
        covariates: how many numbers follow it.
        inside: where data may have NaN, a value inside the likelihood's support, [] or
            [*data_shape]; the encoder sees the mean in its place.
    """

    def __init__(self, data_shape: tuple[int, ...], covariates: int, inside: Tensor | None) -> None:
        super().__init__()
        self.data_shape, self.covariates = data_shape, covariates
        self.missing = inside is not None
        self.example_shape = (math.prod(data_shape) + covariates,) if covariates else data_shape
        self.filled: Tensor
        if covariates or inside is not None:
            self.register_buffer("filled", torch.tensor(False))
        if covariates:
            self.shift = nn.Linear(covariates, math.prod(data_shape), bias=False)
            self.usual: Tensor
            self.register_buffer("usual", torch.zeros(covariates))
        if inside is not None:
            self.inside: Tensor
            self.filling: Tensor
            self.register_buffer("inside", inside, persistent=False)
            self.register_buffer("filling", torch.zeros(data_shape))

    def split(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return data, [batch, *data_shape], and covariates, [batch, covariates] or None."""
        if tuple(x.shape[1:]) != self.example_shape:
            also = " (data and covariates in one row)" if self.covariates else ""
            raise BadValue(
                "data",
                expected=f"shape [batch, *{list(self.example_shape)}]{also}",
                got=f"{list(x.shape)}",
                fix="Put them side by side: nelbo.data.beside(x, y)."
                if self.covariates
                else f"Reshape it: x.reshape(-1, *{self.example_shape}).",
            )
        if not self.covariates:
            return x, None
        data, y = x.split([x.shape[1] - self.covariates, self.covariates], dim=1)
        return data.unflatten(1, self.data_shape), y

    def join(self, x: Tensor, y: Tensor | None) -> Tensor:
        """Return examples as the data has them: the opposite of `split`."""
        return x if y is None else torch.cat((x.flatten(1), y), dim=1)

    def whole(self, x: Tensor) -> Tensor:
        """Return the data with the mean example's entries in place of missing ones."""
        return fill(x, self.filling) if self.missing else x

    def moved(self, x: Tensor, y: Tensor | None) -> Tensor:
        """Return what the encoder sees, moved by the covariates, [batch, *data_shape]."""
        return x if y is None else x + self.shift(y).view_as(x)

    def beside(self, z: Tensor, y: Tensor | None) -> Tensor:
        """Return what the decoder sees, [samples, batch, latent + covariates]."""
        y = self.given(y)
        return z if y is None else torch.cat((z, y.expand(*z.shape[:2], -1)), dim=-1)

    def given(self, y: Tensor | None) -> Tensor | None:
        """Return the covariates, by default the mean ones, [covariates]; None if there are none."""
        return self.usual if y is None and self.covariates else y

    def observed(self, px: Distribution) -> Distribution:
        """Return p(x|z) of which missing entries are no part."""
        return Observed(px, self.inside) if self.missing else px

    def present(self, x: Tensor) -> Tensor:
        """Return examples whose data is all there, as far as the likelihood's support goes."""
        data, _ = self.split(x)
        return fill(data, self.inside) if self.missing else data

    def check_known(self, x: Tensor) -> None:
        """Refuse examples whose covariates are unknown."""
        _, y = self.split(x)
        unknown = 0 if y is None else int(y.isnan().any(-1).sum())
        if unknown:
            raise BadValue(
                "covariates",
                expected="known ones, on which the model depends",
                got=f"NaN in {unknown} of {len(x)} examples",
                fix="Leave those examples out; to train with unknown labels there is the "
                "objective 'm2', whose classify(x) also tells them.",
            )

    @property
    def wants_mean(self) -> bool:
        """Whether the mean example is still to be told: see `fill`."""
        return (self.covariates > 0 or self.missing) and not bool(self.filled)

    @torch.no_grad()
    def fill(self, mean: Tensor) -> None:
        """Take note of the mean example: for what is missing, and for covariates not given."""
        data, y = self.split(mean[None])
        if self.covariates or self.missing:
            self.filled.fill_(True)
        if self.missing:
            self.filling.copy_(data[0])
        if y is not None:
            self.usual.copy_(y[0])
