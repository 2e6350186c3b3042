"""`Terms`: one forward pass of a VAE, in nats per example."""

from __future__ import annotations

from functools import cached_property

from jaxtyping import Float
from torch import Tensor
from torch.distributions import Distribution, Independent, kl_divergence

from nelbo.errors import BadValue


class Terms:
    """The distributions and latents of one forward pass, and the log-densities made of them.

    Everything is per example and in nats; densities are computed when first asked for.

    Args:
        x: data, [batch, *data_shape].
        z: latents drawn from q, [samples, batch, latent].
        px: p(x|z), a distribution of batch shape [samples, batch] over whole examples.
        q: q(z|x), of batch shape [batch].
        p: p(z), of batch shape [].

    Raises:
        ValueError: when a density comes out in any other shape than [samples, batch]: then
            features or latents were left unsummed, and the message says which.

    Example:
        >>> import torch, nelbo
        >>> model = nelbo.VAE(data_shape=(4,), latent=2)
        >>> terms = model.terms(torch.ones(3, 4), samples=5)
        >>> tuple(terms.log_px.shape), tuple(terms.kl.shape)
        ((5, 3), (3, 2))

    """

    def __init__(
        self, x: Tensor, z: Tensor, px: Distribution, q: Distribution, p: Distribution
    ) -> None:
        self.x, self.z, self.px, self.q, self.p = x, z, px, q, p

    @cached_property
    def log_px(self) -> Float[Tensor, "samples batch"]:
        """Log p(x|z)."""
        return self._checked("log p(x|z)", self.px.log_prob(self.x))

    @cached_property
    def log_qz(self) -> Float[Tensor, "samples batch"]:
        """Log q(z|x)."""
        return self._checked("log q(z|x)", self.q.log_prob(self.z))

    @cached_property
    def log_pz(self) -> Float[Tensor, "samples batch"]:
        """Log p(z)."""
        return self._checked("log p(z)", self.p.log_prob(self.z))

    @property
    def log_w(self) -> Float[Tensor, "samples batch"]:
        """Log p(x, z) - log q(z|x), the logarithm of the importance weight."""
        return self.log_px + self.log_pz - self.log_qz

    @property
    def kl(self) -> Float[Tensor, "batch latent"]:
        """KL(q(z|x) || p(z)) per latent, where a closed form exists.

        Raises:
            ValueError: when q and p have no closed form; `kl_total` always answers.

        """
        if self._closed_kl is None:
            raise BadValue(
                "KL per latent",
                expected="a posterior and a prior with a closed form",
                got=f"{type(self.q).__name__} against {type(self.p).__name__}",
                fix="Use `kl_total`, the estimate log q(z|x) - log p(z).",
            )
        return self._closed_kl

    @property
    def has_closed_kl(self) -> bool:
        """Whether `kl` exists: q and p are independent over the latents, and torch knows it."""
        return self._closed_kl is not None

    @cached_property
    def _closed_kl(self) -> Tensor | None:
        if not (isinstance(self.q, Independent) and isinstance(self.p, Independent)):
            return None
        try:
            return kl_divergence(self.q.base_dist, self.p.base_dist)
        except NotImplementedError:
            return None

    @property
    def kl_total(self) -> Float[Tensor, " batch"]:
        """KL(q(z|x) || p(z)) summed over the latents: closed, else the mean over the samples."""
        if self.has_closed_kl:
            return self.kl.sum(-1)
        return (self.log_qz - self.log_pz).mean(0)

    def _checked(self, what: str, value: Tensor) -> Tensor:
        wanted = (self.z.shape[0], self.x.shape[0])
        if tuple(value.shape) != wanted:
            left = tuple(value.shape)[2:] if tuple(value.shape[:2]) == wanted else None
            raise BadValue(
                what,
                expected=f"shape [samples, batch] = {list(wanted)}",
                got=f"{list(value.shape)}" + (f", {list(left)} left unsummed" if left else ""),
                fix="Return a distribution over a whole example: "
                "torch.distributions.Independent(d, number of feature dimensions).",
            )
        return value
