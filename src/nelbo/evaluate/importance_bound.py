"""The importance-weighted bound on log p(x)."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from nelbo import formulas
from nelbo.data import Source
from nelbo.evaluate.base import Estimator, Evaluable, base_measure, batches, mean_estimate
from nelbo.evaluate.estimate import Estimate
from nelbo.evaluate.share import gathered, processes
from nelbo.evaluate.weights import Weights, rows_at_once


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
        chunk: samples at a time; batch * chunk decoder outputs are in memory at once. By default
            as many as run fastest: some megabytes.

    Example:
        >>> import torch, nelbo
        >>> model = nelbo.VAE(data_shape=(4,), latent=2)
        >>> bound = nelbo.evaluate(model, torch.ones(40, 4), [ImportanceBound(samples=50)])
        >>> bound["importance_bound"].samples
        50
    """

    shares: ClassVar[bool] = True

    samples: int = 1000
    batch: int = 100
    chunk: int | None = None

    def __call__(self, model: Evaluable, data: Source) -> tuple[Estimate, ...]:
        """Return the bound and the effective sample size."""
        bound, size = [], []
        weights = Weights(model, self.samples * (data.size or 0) // processes(data))
        for x in batches(model, data, self.batch):
            first, second = self._moments(weights, x)
            bound.append(first)
            size.append(self.samples * torch.exp(2 * first - second))
        estimate = mean_estimate("importance_bound", gathered(data, bound), self.samples)
        effective = mean_estimate("effective_sample_size", gathered(data, size), self.samples)
        return (
            replace(estimate, base_measure=base_measure(model)),
            replace(effective, unit="samples per example"),
        )

    def _moments(self, weights: Weights, x: Tensor) -> Float[Tensor, "two batch"]:
        """Return the logarithms of the means of w and w^2 over the samples, chunk by chunk."""
        chunk = min(self.samples, self.chunk or rows_at_once(x))
        whole, rest = divmod(self.samples, chunk)
        total = torch.full((2, len(x)), -math.inf, dtype=torch.float64)
        for n in [chunk] * whole + [rest] * bool(rest):
            log_w = weights(x, n).double()
            means = torch.stack([formulas.log_mean_exp(log_w), formulas.log_mean_exp(2 * log_w)])
            total = torch.logaddexp(total, means + math.log(n / self.samples))
        return total
