"""Codebook use: how many of the codes a quantised model makes use of."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from nelbo.data import Source
from nelbo.distributions.codes import Codes
from nelbo.errors import BadValue
from nelbo.evaluate.base import Estimator, Evaluable, batches
from nelbo.evaluate.estimate import Estimate
from nelbo.evaluate.jackknife import Blocks


# perplexity = exp(-sum_k u_k log u_k),   u_k the share of code k among all that were chosen
@dataclass(frozen=True)
class CodebookUse(Estimator):
    """`codebook_perplexity` and `dead_codes`, of a model whose latents are codes.

    The perplexity is as many codes as would be in use if all were used alike; with several
    codebooks each has its own, which are the parts, and the value is their geometric mean. A dead
    code is one that the data never chose: few data leave many codes unused.

    Source: van den Oord, Vinyals & Kavukcuoglu 2017, Neural discrete representation learning; its
    public code reports this perplexity.

    Args:
        batch: examples at a time.

    Raises:
        ValueError: the model's latents are no codes.

    Example:
        >>> import torch, nelbo
        >>> q, p = nelbo.posteriors.FSQ(), nelbo.priors.UniformCodes()
        >>> model = nelbo.VAE(data_shape=(4,), latent=8, posterior=q, prior=p)
        >>> found = nelbo.evaluate(model, torch.ones(40, 4), [CodebookUse()])
        >>> found["dead_codes"].unit
        'of 1000 codes'
    """

    batch: int = 500

    def __call__(self, model: Evaluable, data: Source) -> tuple[Estimate, ...]:
        """Return perplexity and dead codes."""
        blocks, books = Blocks(), 1
        for x in batches(model, data, self.batch):
            q = model.terms(x).q
            if not isinstance(q, Codes):
                raise BadValue(
                    "codebook use",
                    expected="a model whose latents are codes",
                    got=type(q).__name__,
                    fix="Leave CodebookUse() out.",
                )
            books = q.books
            blocks.add(_counts(q).flatten(1))

        def shares(counts: Tensor) -> Tensor:
            apart = counts.unflatten(0, (books, -1))
            return apart / apart.sum(1, keepdim=True)

        def entropies(counts: Tensor) -> Tensor:
            return -torch.xlogy(shares(counts), shares(counts)).sum(1)

        perplexity, error = blocks.jackknife(lambda c: entropies(c).mean().exp())
        dead, dead_error = blocks.bootstrap(lambda c: (c == 0).double().sum())
        parts = tuple(entropies(blocks.means).exp().tolist())
        size, n = len(blocks.means), blocks.examples
        unit = f"of {size // books} codes"
        return (
            Estimate("codebook_perplexity", float(perplexity), unit, float(error), n, parts=parts),
            Estimate("dead_codes", float(dead), f"of {size} codes", float(dead_error), n),
        )


def _counts(q: Codes) -> Tensor:
    """Return how often each example chose each code of each codebook, [batch, books, codes]."""
    chosen = q.indices.unflatten(1, (q.books, -1))
    counts = torch.zeros(len(chosen), q.books, q.codes, device=chosen.device)
    return counts.scatter_add_(2, chosen, torch.ones_like(chosen, dtype=counts.dtype))
