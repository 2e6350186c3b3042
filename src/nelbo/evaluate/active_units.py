"""Active units: how many latents carry anything about the input."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import Distribution

from nelbo.data import Source
from nelbo.distributions.codes import Codes
from nelbo.distributions.sphere import VonMisesFisher
from nelbo.evaluate.base import Estimator, Evaluable, batches
from nelbo.evaluate.estimate import Estimate
from nelbo.evaluate.jackknife import Blocks, Deviations, variance
from nelbo.evaluate.latent_parts import LatentParts, parts_of
from nelbo.terms import Terms


# A_k = Var_x( E_q(z|x)[z_k] ) > 0.01                                 Burda et al. 2015, section 5.2
# of a level given those above it, 2 E_x KL_k: KL(N(mu, .) || N(0, 1)) >= mu^2 / 2, so 2 KL_k >= A_k
@dataclass(frozen=True)
class ActiveUnits(Estimator):
    """`active_units`, the number of latents whose posterior mean varies with x.

    The variances of the posterior means are its parts, in units of the prior's: on a sphere of K
    latents times K, of codes as a share of their mean. Where latents come in levels, the lower
    means vary with the levels above already; there the parts are twice the mean KL of each latent
    given those above, which is what a variance costs at least.

    Latents that mean something together only are counted together besides, in `active_parts`:
    levels, codes, groups of categories, points on a sphere or in a ball. A part is active if one
    of its latents is.

    Source: Burda, Grosse & Salakhutdinov 2015, Importance weighted autoencoders, section 5.2.

    Args:
        threshold: variance above which a latent is active.
        batch: examples at a time.

    Example:
        >>> import torch, nelbo
        >>> model = nelbo.VAE(data_shape=(4,), latent=2)
        >>> units = nelbo.evaluate(model, torch.ones(40, 4), [ActiveUnits()])["active_units"]
        >>> units.value, units.unit
        (0.0, 'of 2 latents')
    """

    threshold: float = 0.01
    batch: int = 500

    def __call__(self, model: Evaluable, data: Source) -> tuple[Estimate, ...]:
        """Return the count, and that of the parts where there are any."""
        blocks, deviations = Blocks(), Deviations()
        q: Distribution | None = None
        for x in batches(model, data, self.batch):
            terms = model.terms(x)
            q = terms.q
            if _by_level(terms):
                blocks.add(2.0 * terms.kl)
            else:
                mu = deviations(q.mean)
                blocks.add(torch.cat([mu, mu**2], dim=1))
        assert q is not None
        units = LatentParts("latent", (1,) * q.event_shape[0])
        each, parts = self._counted("active_units", blocks, q, units), parts_of(q)
        return (each,) if parts is None else (each, self._counted("active_parts", blocks, q, parts))

    def _counted(self, name: str, blocks: Blocks, q: Distribution, parts: LatentParts) -> Estimate:
        def largest(means: Tensor) -> Tensor:
            each = _activity(q, means).split(parts.sizes)
            return torch.stack([part.max() for part in each])

        def count(means: Tensor) -> Tensor:
            return (largest(means) > self.threshold).sum().double()

        value, error = blocks.bootstrap(count)
        by_part = tuple(largest(blocks.means).tolist())
        return Estimate(
            name, float(value), parts.unit, float(error), blocks.examples, parts=by_part
        )


def _by_level(terms: Terms) -> bool:
    parts = parts_of(terms.q)
    return parts is not None and parts.name == "level" and terms.has_closed_kl


def _activity(q: Distribution, means: Float[Tensor, " statistics"]) -> Float[Tensor, " latent"]:
    """Return how much each latent varies with x, in units of the prior's variance."""
    if len(means) == q.event_shape[0]:
        return means
    varies = variance(*means.chunk(2))
    if isinstance(q, VonMisesFisher):
        return varies * len(varies)
    if isinstance(q, Codes):  # they may be of any size
        return varies / varies.mean().clamp_min(torch.finfo(varies.dtype).tiny)
    return varies
