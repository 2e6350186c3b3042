"""VampPrior: a mixture of posteriors."""

from __future__ import annotations

from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.distributions import Categorical, Distribution, Independent, Normal, constraints
from torch.types import _size

from nelbo.checks import count
from nelbo.context import Context, by_itself
from nelbo.distributions.gaussian_mixture import GaussianMixture
from nelbo.priors.base import Prior
from nelbo.registry import register


# p(z) = 1/K sum_k q(z|u_k)                            Tomczak & Welling 2018, equation 9
@register("prior", "vamp")
class Vamp(Prior):
    """The mean posterior of K pseudo-inputs, which are learned: examples that nobody has seen.

    They are unbounded and start as noise around 0.5; `start` puts them at examples instead. They
    move by the step size: a likelihood that is shown logarithms wants data of order 1.

    Source: Tomczak & Welling 2018, VAE with a VampPrior.

    Args:
        components: number of pseudo-inputs K, at least 1.

    Raises:
        ValueError: no component.

    Example:
        >>> import nelbo
        >>> model = nelbo.VAE(data_shape=(4,), latent=2, prior=Vamp(components=10))
        >>> model.marginal().sample().shape
        torch.Size([2])

    """

    def __init__(self, components: int = 500) -> None:
        super().__init__()
        self.components = count("components", components, least=1, usual=500)

    def setup(self, latent: int) -> None:
        """Create nothing: `connect` does, which knows the shape of the data."""

    def connect(self, posterior: nn.Module, data_shape: tuple[int, ...], covariates: int) -> None:
        """Create the pseudo-inputs, [components, *data_shape]."""
        self.inputs = nn.Parameter(0.5 + 0.25 * torch.randn(self.components, *data_shape))

    @torch.no_grad()
    def start(self, x: Float[Tensor, " n *event"], z: Tensor | None = None) -> None:
        """Put the pseudo-inputs at the first examples, moved a little so that no two are the same.

        Args:
            x: examples in random order, [n, *data_shape]; what is missing stays noise. Fewer than
                there are components are used in turn.
            z: their latents, of which no use is made.
        """
        rows = x[torch.arange(self.components) % len(x)].to(self.inputs)
        rows = torch.where(rows.isnan(), self.inputs, rows)
        self.inputs.copy_(rows + 0.01 * torch.randn_like(rows))

    def forward(self) -> Distribution:
        """Refuse: without a posterior there is no such prior.

        Raises:
            ValueError: always.

        """
        needed = "the model around it, whose posteriors it mixes"
        raise by_itself("prior vamp", needed, "model.marginal()")

    def within(self, context: Context) -> Distribution:
        """Return the mixture of the pseudo-inputs' posteriors."""
        q = context.encode(self.inputs)
        if isinstance(q, Independent) and isinstance(q.base_dist, Normal):
            equal = torch.zeros_like(q.mean[:, 0])
            return GaussianMixture(equal, q.mean, q.stddev)
        return _Mixture(q)


class _Mixture(Distribution):
    """The members of a batch of distributions with equal weights, whatever their family."""

    arg_constraints: ClassVar[dict[str, constraints.Constraint]] = {}  # pyright: ignore

    def __init__(self, members: Distribution) -> None:
        super().__init__(torch.Size(), members.event_shape, validate_args=False)
        self.members = members
        self.moments_are_estimated = getattr(members, "moments_are_estimated", False)

    def log_prob(self, value: Tensor) -> Tensor:
        each = self.members.log_prob(value.unsqueeze(-2))
        return each.logsumexp(-1) - torch.log(each.new_tensor(each.shape[-1]))

    def sample(self, sample_shape: _size = torch.Size()) -> Tensor:  # noqa: B008
        with torch.no_grad():
            every = self.members.sample(torch.Size(sample_shape))
            chosen = Categorical(logits=torch.zeros_like(every[..., 0])).sample()
            index = chosen[..., None, None].expand(*chosen.shape, 1, every.shape[-1])
            return every.gather(-2, index).squeeze(-2)

    @property
    def mean(self) -> Tensor:
        return self.members.mean.mean(0)

    @property
    def variance(self) -> Tensor:
        return self.members.variance.mean(0) + self.members.mean.var(0, correction=0)
