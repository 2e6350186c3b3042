"""Prior samples: does what the decoder makes of the prior look like what it makes of data?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from nelbo.data import Source
from nelbo.evaluate.base import Estimator, Evaluable, batches, decodable
from nelbo.evaluate.estimate import Estimate
from nelbo.evaluate.jackknife import Blocks, variance


# the means g(z) of p(x|z) at z from the prior, against those at z from q(z|x):
#     |E g(z_p) - E g(z_q)|^2 / tr Cov g(z_q),   tr Cov g(z_p) / tr Cov g(z_q),
#     E min_m |g(z_p) - g(z_m)|^2 / E min_m |g(z_q) - g(z_m)|^2,   m over other examples
@dataclass(frozen=True)
class PriorSamples(Estimator):
    """`prior_mean_shift`, `prior_spread` and `prior_distance`: decoded prior against posterior.

    Both are means of p(x|z), so that the noise of p(x|z) plays no part; where the aggregate
    posterior is the prior they are 0, 1 and 1. `prior_distance` compares the squared distance of
    a prior sample to the nearest of half the reconstructions with that of the other half's
    reconstructions: far above 1 says that the prior leads where no data leads. Where the decoder
    ignores its latents, so that nothing varies, they are given as 0, 1 and 1.

    Args:
        examples: how many of the data's first examples take part, and samples are drawn.
        batch: examples at a time.

    Raises:
        TypeError: the model has no `decode`.

    Example:
        >>> import torch, nelbo
        >>> model = nelbo.VAE(data_shape=(4,), latent=2)
        >>> found = nelbo.evaluate(model, torch.rand(40, 4).round(), [PriorSamples()])
        >>> sorted(found)
        ['prior_distance', 'prior_mean_shift', 'prior_spread']
    """

    examples: int = 1000
    batch: int = 500

    def __call__(self, model: Evaluable, data: Source) -> tuple[Estimate, ...]:
        """Return the three ratios."""
        decoder, prior, posterior = decodable(model), [], []
        left = self.examples
        for x in batches(model, data, self.batch):
            terms = model.terms(x[:left])
            each = terms.z.shape[: 1 if terms.p.batch_shape else 2]  # p(z|y) is each example's own
            drawn = terms.p.sample(torch.Size(each))
            prior.append(_mean(decoder, drawn, terms.y))
            posterior.append(_mean(decoder, terms.z, terms.y))
            left -= len(x)
            if left <= 0:
                break
        return _ratios(torch.cat(prior), torch.cat(posterior))


def _mean(model: Any, z: Float[Tensor, "s b k"], y: Tensor | None) -> Float[Tensor, "b d"]:
    given = (z,) if y is None else (z, y)
    return model.decode(*given).mean[0].flatten(1).cpu().double()


def _ratios(prior: Float[Tensor, "n d"], posterior: Float[Tensor, "n d"]) -> tuple[Estimate, ...]:
    moments, nearest, n = Blocks(), Blocks(), len(prior)
    p, q = prior - posterior[0], posterior - posterior[0]
    moments.add(torch.cat([p, p**2, q, q**2], dim=1))
    # every second example, so that neither half is of another kind
    reference, held_out = posterior[::2], posterior[1::2]
    if len(held_out):
        pairs = [torch.cdist(some, reference).amin(1) ** 2 for some in (prior[1::2], held_out)]
        nearest.add(torch.stack(pairs, dim=1))
    shift, spread, distance = (
        moments.jackknife(_shift),
        moments.jackknife(_spread),
        nearest.jackknife(_distance) if len(held_out) else (torch.tensor(1.0), torch.tensor(0.0)),
    )
    named = {"prior_mean_shift": shift, "prior_spread": spread, "prior_distance": distance}
    units = ("of the variance of the reconstructions", *2 * ("of that of the reconstructions",))
    return tuple(
        Estimate(name, float(value), unit, float(error), n, 1)
        for (name, (value, error)), unit in zip(named.items(), units, strict=True)
    )


def _shift(means: Tensor) -> Tensor:
    p1, _, q1, q2 = means.chunk(4)
    total = variance(q1, q2).sum()
    return ((p1 - q1) ** 2).sum() / total if total > 0 else torch.zeros_like(total)


def _spread(means: Tensor) -> Tensor:
    p1, p2, q1, q2 = means.chunk(4)
    total = variance(q1, q2).sum()
    return variance(p1, p2).sum() / total if total > 0 else torch.ones_like(total)


def _distance(means: Tensor) -> Tensor:
    return means[0] / means[1] if means[1] > 0 else torch.ones_like(means[0])
