"""`Terms`: one forward pass of a VAE, in nats per example."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from jaxtyping import Float
from torch import Tensor
from torch.distributions import Distribution, Independent, kl_divergence

from nelbo.errors import BadValue
from nelbo.formulas import gradient_only


class Terms:
    """The distributions and latents of one forward pass, and the log-densities made of them.

    Everything is per example and in nats; densities are computed when first asked for. A
    distribution may say more of itself: `has_density = False` (a point in R^K has none),
    `is_deterministic = True` (every draw is the same), and `kl_per_latent(p, z)` where it knows.

    Args:
        x: data, [batch, *data_shape].
        z: latents drawn from q, [samples, batch, latent].
        px: p(x|z), a distribution of batch shape [samples, batch] over whole examples.
        q: q(z|x), of batch shape [batch].
        p: p(z), of batch shape [] or [batch].
        model: what they come from, for objectives that ask more of it than one forward pass.
        y: covariates, [batch, covariates], where there are any.

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
        self,
        x: Tensor,
        z: Tensor,
        px: Distribution,
        q: Distribution,
        p: Distribution,
        model: Any = None,
        y: Tensor | None = None,
    ) -> None:
        self.x, self.z, self.px, self.q, self.p = x, z, px, q, p
        self.model, self.y = model, y

    @cached_property
    def log_px(self) -> Float[Tensor, "samples batch"]:
        """Log p(x|z)."""
        return self._checked("log p(x|z)", self.px.log_prob(self.x))

    @cached_property
    def log_qz(self) -> Float[Tensor, "samples batch"]:
        """Log q(z|x)."""
        self._require_density()
        return self._checked("log q(z|x)", self.q.log_prob(self.z))

    @cached_property
    def log_pz(self) -> Float[Tensor, "samples batch"]:
        """Log p(z)."""
        return self._checked("log p(z)", self.p.log_prob(self.z))

    # d log q(z(phi); phi) / d phi = (d log q / dz)(dz / d phi) + score, and E[score] = 0
    @property
    def log_qz_path(self) -> Float[Tensor, "samples batch"]:
        """Log q(z|x), whose gradient leaves out the score: that of z alone. Roeder et al. 2017."""
        score = self._checked("log q(z|x)", self.q.log_prob(self.z.detach()))
        return self.log_qz - gradient_only(score)

    @property
    def log_w(self) -> Float[Tensor, "samples batch"]:
        """Log p(x, z) - log q(z|x), the logarithm of the importance weight.

        Raises:
            ValueError: several draws were asked of a posterior whose draws are all the same.

        """
        if self.is_deterministic and len(self.z) > 1:
            raise BadValue(
                "importance weights",
                expected="a posterior whose draws differ",
                got=f"{type(self.q).__name__}, which gives {len(self.z)} times the same latents",
                fix="Use the objective 'elbo', or a posterior such as 'diagonal'.",
            )
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
                expected="a posterior and a prior with a closed form for each latent",
                got=f"{_name(self.q)} against {_name(self.p)}",
                fix="Use `kl_total`, with an objective that needs the total alone, such as 'elbo'; "
                "or the posterior 'diagonal' with the prior 'standard'.",
            )
        return self._closed_kl

    @property
    def has_closed_kl(self) -> bool:
        """Whether `kl` exists: q and p are independent over the latents, and torch knows it."""
        return self._closed_kl is not None

    @property
    def has_density(self) -> bool:
        """Whether q(z|x) has one, and so the KL and the ELBO exist."""
        return getattr(self.q, "has_density", True)

    @property
    def is_deterministic(self) -> bool:
        """Whether every draw of q(z|x) is the same."""
        return getattr(self.q, "is_deterministic", False)

    @cached_property
    def _closed_kl(self) -> Tensor | None:
        known = getattr(self.q, "kl_per_latent", None)
        if known is not None:
            return known(self.p, self.z)
        if not (isinstance(self.q, Independent) and isinstance(self.p, Independent)):
            return None
        return _closed(self.q.base_dist, self.p.base_dist)

    @cached_property
    def kl_total(self) -> Float[Tensor, " batch"]:
        """KL(q(z|x) || p(z)) summed over the latents: closed, else the mean over the samples."""
        self._require_density()
        closed = self.closed_kl_total
        return (self.log_qz - self.log_pz).mean(0) if closed is None else closed

    @property
    def closed_kl_total(self) -> Float[Tensor, " batch"] | None:
        """KL(q(z|x) || p(z)) summed over the latents where a closed form exists, else None."""
        return self.kl.sum(-1) if self.has_closed_kl else _closed(self.q, self.p)

    def _require_density(self) -> None:
        if not self.has_density:
            raise BadValue(
                "log q(z|x)",
                expected="a posterior with a density",
                got=f"{_name(self.q)}, a point: neither its KL nor an ELBO exists",
                fix="Use an objective for deterministic encoders, such as 'rae_l2' or 'wae_mmd', "
                "or the posterior 'diagonal'.",
            )

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


def _closed(q: Distribution, p: Distribution) -> Tensor | None:
    """Return the KL where torch knows one."""
    try:
        return kl_divergence(q, p)
    except NotImplementedError:
        return None


def _name(d: Distribution) -> str:
    base = d.base_dist if isinstance(d, Independent) else d
    return type(base).__name__
