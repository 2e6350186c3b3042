"""`GaussianMixture`: a weighted sum of diagonal Gaussians."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import Categorical, Distribution, constraints
from torch.types import _size

from nelbo.formulas import LOG_2PI


# p(z) = sum_k pi_k N(z; m_k, diag(s_k^2))
class GaussianMixture(Distribution):
    """A mixture of diagonal Gaussians, whose density takes memory of [..., components] only.

    Args:
        logits: logarithms of the weights, up to a constant, [components].
        mean: m, [components, latent].
        sigma: s, positive, [components, latent].
    """

    arg_constraints: ClassVar[dict[str, constraints.Constraint]] = {}  # pyright: ignore
    support = constraints.real_vector  # pyright: ignore

    def __init__(
        self,
        logits: Float[Tensor, " components"],
        mean: Float[Tensor, "components latent"],
        sigma: Float[Tensor, "components latent"],
    ) -> None:
        super().__init__(torch.Size(), mean.shape[1:], validate_args=False)
        self.logits, self.means, self.sigma = logits, mean, sigma

    def log_prob(self, value: Tensor) -> Tensor:
        """Return log p(z), in nats per example."""
        return torch.logsumexp(self.log_joint(value), dim=-1)

    def log_joint(self, value: Tensor) -> Tensor:
        """Return log p(z, k) of every component k, [..., components]."""
        log_weights = torch.log_softmax(self.logits, 0)
        distance = _SquaredDistance.apply(value, self.means, self.sigma)
        log_norm = self.sigma.log().sum(-1) + 0.5 * LOG_2PI * self.means.shape[-1]
        return log_weights - log_norm - 0.5 * distance

    def sample(self, sample_shape: _size = torch.Size()) -> Tensor:  # noqa: B008
        """Return draws, without a gradient to the weights."""
        with torch.no_grad():
            components = Categorical(logits=self.logits, validate_args=False)
            chosen = components.sample(torch.Size(sample_shape))
            return torch.normal(self.means[chosen], self.sigma[chosen])

    # E[z] = sum_k pi_k m_k
    @property
    def mean(self) -> Tensor:
        """The mean, [latent]."""
        return self._weights @ self.means

    # V[z] = sum_k pi_k [s_k^2 + (m_k - E[z])^2]
    @property
    def variance(self) -> Tensor:
        """The variance, [latent]."""
        return self._weights @ (self.sigma.square() + (self.means - self.mean).square())

    @property
    def _weights(self) -> Tensor:
        return torch.softmax(self.logits, 0)


# d_k(z) = sum_l (z_l - m_kl)^2 / s_kl^2
class _SquaredDistance(torch.autograd.Function):
    """Distances to every component, one latent after the other.

    All latents at once would need memory of [..., components, latent]; multiplying the square out
    would need no more than this, but loses digits where a component is narrow.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(z: Tensor, mean: Tensor, sigma: Tensor) -> Tensor:
        steps = (_scaled(z, mean, sigma, k) for k in range(z.shape[-1]))
        total = next(steps).square()
        for step in steps:
            total = total + step.square()
        return total

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        (slope,) = grad_outputs
        z, mean, sigma = ctx.saved_tensors
        to_z, to_mean, to_sigma = [], [], []
        for k in range(z.shape[-1]):
            step = _scaled(z, mean, sigma, k)
            pull = 2.0 * slope * step
            to_z.append((pull / sigma[:, k]).sum(-1))
            to_mean.append(-_per_component(pull) / sigma[:, k])
            to_sigma.append(-_per_component(pull * step) / sigma[:, k])
        return torch.stack(to_z, -1), torch.stack(to_mean, -1), torch.stack(to_sigma, -1)


def _scaled(z: Tensor, mean: Tensor, sigma: Tensor, k: int) -> Tensor:
    return (z[..., k, None] - mean[:, k]) / sigma[:, k]


def _per_component(value: Tensor) -> Tensor:
    return value.reshape(-1, value.shape[-1]).sum(0)
