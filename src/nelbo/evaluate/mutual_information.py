"""Mutual information of data and latents, and the gap between aggregate posterior and prior."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import Distribution, Independent

from nelbo.data import Source
from nelbo.evaluate.base import Estimator, Evaluable, batches, mean_estimate
from nelbo.evaluate.estimate import Estimate
from nelbo.evaluate.jackknife import Blocks, Deviations, variance
from nelbo.terms import Terms

ELEMENTS = 2**24  # of a table of every latent against every posterior, in memory at once


# E_x KL(q(z|x) || p(z)) = I_q(x; z) + KL(q(z) || p(z)),   q(z) = (1/N) sum_n q(z|x_n)
#                                                              Hoffman & Johnson 2016, equation 11
@dataclass(frozen=True)
class MutualInformation(Estimator):
    """`mutual_information`, `aggregate_posterior_gap` and its bound, in nats per example.

    The KL of a VAE is what the latents tell about the input, I_q(x; z), plus how far their
    distribution over all inputs lies from the prior, KL(q(z) || p(z)), the gap. Here

        I = mean_n [ log q(z_n|x_n) - log (1/N) sum_m q(z_n|x_m) ],   z_n drawn from q(z|x_n),

    which is at most ln N: where the true information is more, `mutual_information` says about
    ln N and `aggregate_posterior_gap` = KL - I is too large by the rest. A bound from the other
    side is `aggregate_posterior_bound`, sum_k KL(N(m_k, v_k) || p(z_k)), m and v the mean and
    variance of q(z): of all distributions with these moments the Gaussian is the nearest. It is
    there where q and p are independent over the latents, and its parts are the latents'.

    Source: Hoffman & Johnson 2016, ELBO surgery: yet another way to carve up the variational
    evidence lower bound, equation 11.

    Args:
        examples: N, how many of the data's first examples take part; the work grows as N^2.
        batch: examples at a time.

    Example:
        >>> import torch, nelbo
        >>> model = nelbo.VAE(data_shape=(4,), latent=2)
        >>> found = nelbo.evaluate(model, torch.ones(40, 4), [MutualInformation()])
        >>> abs(found["mutual_information"].value) < 1e-6
        True
    """

    examples: int = 1000
    batch: int = 500

    def __call__(self, model: Evaluable, data: Source) -> tuple[Estimate, ...]:
        """Return information, gap and, where it can be had, the bound."""
        seen = list(_first(model, data, self.examples, self.batch))
        information, kl = _information(seen), torch.cat([t.kl_total.cpu().double() for t in seen])
        first = mean_estimate("mutual_information", information, 1)
        gap = mean_estimate("aggregate_posterior_gap", kl - information, 1)
        # of a prior of each example's own, p(z|y), there is no aggregate to compare with, and that
        # of a hierarchy is no Gaussian
        closed = all(t.has_closed_kl and isinstance(t.p, Independent) for t in seen)
        bound = (_bound(seen),) if closed and not seen[0].p.batch_shape else ()
        return (first, gap, *bound)


def _first(model: Evaluable, data: Source, examples: int, batch: int) -> Iterator[Terms]:
    left = examples
    for x in batches(model, data, batch):
        yield model.terms(x[:left])
        left -= len(x)
        if left <= 0:
            return


def _information(seen: Sequence[Terms]) -> Float[Tensor, " n"]:
    """Return log q(z_n|x_n) - log q(z_n) for every example."""
    every, n = [terms.q for terms in seen], sum(len(terms.x) for terms in seen)
    log_q = [_aggregate(terms.z[0], every) - math.log(n) for terms in seen]
    own = [terms.log_qz[0].cpu().double() for terms in seen]
    return torch.cat(own) - torch.cat(log_q)


def _aggregate(z: Float[Tensor, "n latent"], every: Sequence[Distribution]) -> Float[Tensor, " n"]:
    """Return log sum_m q(z|x_m)."""
    parts = []
    for q in every:
        rows = max(1, ELEMENTS // (z.shape[1] * q.batch_shape.numel()))
        table = [q.log_prob(some[:, None]).cpu().double().logsumexp(1) for some in z.split(rows)]
        parts.append(torch.cat(table))
    return torch.stack(parts).logsumexp(0)


# KL(q || p) >= KL(N(m, v) || p) for every q of mean m and variance v, and p Gaussian; and
# KL(q(z) || prod_k p_k) >= sum_k KL(q_k || p_k): what is left out is the total correlation
def _bound(seen: Sequence[Terms]) -> Estimate:
    blocks, deviations = Blocks(), Deviations()
    centre, scale = (t.cpu().double() for t in (seen[0].p.mean, seen[0].p.stddev))
    for terms in seen:
        mu = deviations((terms.q.mean.cpu().double() - centre) / scale)
        blocks.add(torch.cat([mu, mu**2, terms.q.variance.cpu().double() / scale**2], dim=1))
    origin = (seen[0].q.mean[0].cpu().double() - centre) / scale

    def per_latent(means: Tensor) -> Tensor:
        first, second, within = means.chunk(3)
        v = variance(first, second) + within
        return 0.5 * ((first + origin) ** 2 + v - 1 - torch.log(v))

    value, error = blocks.jackknife(lambda means: per_latent(means).sum())
    found = Estimate(
        "aggregate_posterior_bound", float(value), "nats", float(error), blocks.examples
    )
    return replace(found, parts=tuple(per_latent(blocks.means).tolist()))
