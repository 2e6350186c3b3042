"""The evidence lower bound and its two terms."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from nelbo.data import Source
from nelbo.evaluate.base import Estimator, Evaluable, base_measure, batches, mean_estimate
from nelbo.evaluate.estimate import Estimate
from nelbo.evaluate.share import gathered


# elbo = E_q[log p(x|z)] - KL(q(z|x) || p(z))                      Kingma & Welling 2014, equation 3
@dataclass(frozen=True)
class ELBO(Estimator):
    """`elbo` (at beta = 1, whatever was trained), `reconstruction` and `kl`, in nats per example.

    elbo = reconstruction - kl; `reconstruction` is E log p(x|z). `kl` has the KL of each latent
    as its parts, where a closed form exists. Where q(z|x) has no density there is neither a KL nor
    a bound, and `reconstruction` comes alone.

    Args:
        samples: latents drawn for each example.
        batch: examples at a time.

    Example:
        >>> import torch, nelbo
        >>> model = nelbo.VAE(data_shape=(4,), latent=2)
        >>> estimates = nelbo.evaluate(model, torch.ones(40, 4), [ELBO()])
        >>> sorted(estimates)
        ['elbo', 'kl', 'reconstruction']
    """

    shares: ClassVar[bool] = True

    samples: int = 1
    batch: int = 500

    def __call__(self, model: Evaluable, data: Source) -> tuple[Estimate, ...]:
        """Return elbo, reconstruction and kl, as far as there are any."""
        log_px, kl, per_latent = [], [], []
        for x in batches(model, data, self.batch):
            terms = model.terms(x, self.samples)
            log_px.append(terms.log_px.cpu().double().mean(0))
            if terms.has_density:
                kl.append(terms.kl_total.cpu().double())
            if terms.has_closed_kl:
                per_latent.append(terms.kl.cpu().double().sum(0))
        r, k = gathered(data, log_px), gathered(data, kl)
        sums = gathered(data, [part[None] for part in per_latent])
        parts = tuple((sums.sum(0) / len(k)).tolist()) if len(sums) else ()
        reconstruction = mean_estimate("reconstruction", r, self.samples)
        measure = base_measure(model)
        reconstruction = replace(reconstruction, base_measure=measure)
        if not len(k):
            return (reconstruction,)
        divergence = mean_estimate("kl", k, None if parts else self.samples)
        elbo = mean_estimate("elbo", r - k, self.samples)
        return replace(elbo, base_measure=measure), reconstruction, replace(divergence, parts=parts)
