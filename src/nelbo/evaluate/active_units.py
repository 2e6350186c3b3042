"""Active units: how many latents carry anything about the input."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from nelbo.data import Source
from nelbo.evaluate.base import Blocks, Estimator, Evaluable, batches
from nelbo.evaluate.estimate import Estimate


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
        blocks, examples = Blocks(), 0
        for x in batches(model, data, self.batch):
            mu = model.terms(x).q.mean.double()
            n = mu.new_tensor([float(len(mu))])
            blocks.add(torch.cat([n, mu.sum(0), (mu**2).sum(0)]))
            examples += len(x)
        value, error = blocks.jackknife(lambda s: float((_variances(s) > self.threshold).sum()))
        parts = tuple(_variances(blocks.total).tolist())
        unit = f"of {len(parts)} latents"
        return (Estimate("active_units", value, unit, error, examples, parts=parts),)


def _variances(sums: Tensor) -> Tensor:
    n, (first, second) = sums[0], sums[1:].chunk(2)
    return second / n - (first / n) ** 2
