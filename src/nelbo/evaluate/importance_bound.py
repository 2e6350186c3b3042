"""The importance-weighted bound on log p(x)."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from nelbo import formulas
from nelbo.data import Source
from nelbo.evaluate.base import Estimator, Evaluable, base_measure, batches, mean_estimate
from nelbo.evaluate.estimate import Estimate


# ESS = (sum w)^2 / sum w^2                                                             Kong 1992
# L_K(x) = E log (1/K) sum_k p(x, z_k) / q(z_k|x),   z_k ~ q(z|x)         Burda et al. 2015, eq. 8
@dataclass(frozen=True)
class ImportanceBound(Estimator):
    """`importance_bound`, in nats per example, and `effective_sample_size`.

    A lower bound on log p(x) in expectation, at least the ELBO and rising with `samples`. These are
    drawn in chunks; of all that was drawn only the weight is kept, one number a sample.

    Source: Burda, Grosse & Salakhutdinov 2015, Importance weighted autoencoders, equation 8.

    Args:
        samples: K, latents drawn for each example; 5000 is the custom.
        batch: examples at a time.
        chunk: samples at a time; batch * chunk decoder outputs are in memory at once.

    Example:
        >>> import torch, nelbo
        >>> model = nelbo.VAE(data_shape=(4,), latent=2)
        >>> bound = nelbo.evaluate(model, torch.ones(40, 4), [ImportanceBound(samples=50)])
        >>> bound["importance_bound"].samples
        50
    """

    samples: int = 1000
    batch: int = 100
    chunk: int = 50

    def __call__(self, model: Evaluable, data: Source) -> tuple[Estimate, ...]:
        """Return the bound and the effective sample size."""
        bound, size = [], []
        for x in batches(model, data, self.batch):
            first, second = self._moments(model, x)
            bound.append(first)
            size.append(self.samples * torch.exp(2 * first - second))
        estimate = mean_estimate("importance_bound", torch.cat(bound), self.samples)
        effective = mean_estimate("effective_sample_size", torch.cat(size), self.samples)
        return (
            replace(estimate, base_measure=base_measure(model)),
            replace(effective, unit="samples per example"),
        )

    def _moments(self, model: Evaluable, x: Tensor) -> Float[Tensor, "two batch"]:
        """Return the logarithms of the means of w and w^2 over the samples, chunk by chunk."""
        whole, rest = divmod(self.samples, self.chunk)
        total = torch.full((2, len(x)), -math.inf, dtype=torch.float64)
        for n in [self.chunk] * whole + [rest] * bool(rest):
            log_w = model.terms(x, n).log_w.cpu().double()
            means = torch.stack([formulas.log_mean_exp(log_w), formulas.log_mean_exp(2 * log_w)])
            total = torch.logaddexp(total, means + math.log(n / self.samples))
        return total
