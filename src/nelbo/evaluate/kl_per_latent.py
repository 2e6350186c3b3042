"""KL of each latent."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from nelbo.data import Source
from nelbo.evaluate.base import Estimator, Evaluable, batches, mean_estimate
from nelbo.evaluate.estimate import Estimate


# E_x KL(q(z_k|x) || p(z_k))
@dataclass(frozen=True)
class KLPerLatent(Estimator):
    """`kl_per_latent`: the total in nats per example, and that of each latent as its parts.

    Args:
        batch: examples at a time.

    Raises:
        ValueError: posterior and prior have no closed form per latent.

    Example:
        >>> import torch, nelbo
        >>> model = nelbo.VAE(data_shape=(4,), latent=2)
        >>> kl = nelbo.evaluate(model, torch.ones(40, 4), [KLPerLatent()])["kl_per_latent"]
        >>> len(kl.parts)
        2
    """

    batch: int = 500

    def __call__(self, model: Evaluable, data: Source) -> tuple[Estimate, ...]:
        """Return the total with its parts."""
        kl = torch.cat([model.terms(x).kl.cpu().double() for x in batches(model, data, self.batch)])
        total = mean_estimate("kl_per_latent", kl.sum(1))
        return (replace(total, parts=tuple(kl.mean(0).tolist())),)
