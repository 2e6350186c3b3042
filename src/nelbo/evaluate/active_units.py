"""Active units: how many latents carry anything about the input."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from nelbo.data import Source
from nelbo.evaluate.base import Estimator, Evaluable, batches
from nelbo.evaluate.estimate import Estimate
from nelbo.evaluate.jackknife import Blocks, Deviations, variance


# A_k = Var_x( E_q(z|x)[z_k] ) > 0.01                                 Burda et al. 2015, section 5.2
@dataclass(frozen=True)
class ActiveUnits(Estimator):
    """`active_units`, the number of latents whose posterior mean varies with x.

    The variances of the posterior means are its parts.

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
        """Return the count."""
        blocks, deviations = Blocks(), Deviations()
        for x in batches(model, data, self.batch):
            mu = deviations(model.terms(x).q.mean)
            blocks.add(torch.cat([mu, mu**2], dim=1))
        value, error = blocks.bootstrap(self._count)
        parts = tuple(variance(*blocks.means.chunk(2)).tolist())
        counted = (float(value), f"of {len(parts)} latents", float(error), blocks.examples)
        return (Estimate("active_units", *counted, parts=parts),)

    def _count(self, means: Tensor) -> Tensor:
        return (variance(*means.chunk(2)) > self.threshold).sum().double()
