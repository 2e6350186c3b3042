"""`impute`: what a model says of entries that are missing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import Categorical, Distribution, Independent

from nelbo import checks
from nelbo.data import as_source
from nelbo.evaluate.base import Evaluable, batches, evaluation_mode
from nelbo.likelihoods.observed import Observed
from nelbo.matmul import fast_matmul
from nelbo.rng import seeded

VALUES = 2**22  # of decoder output at a time
ROWS = 500  # examples at a time, at most


@runtime_checkable
class _Parts(Protocol):
    """A row of a table, of which each part has some columns."""

    parts: Sequence[Distribution]


class _Piece(NamedTuple):
    """What is averaged for some features, and what their estimate is, of the average."""

    each: Tensor  # [samples, batch, ...]
    estimate: Callable[[Tensor], Tensor]


# E[x_m | x_o] = sum_s w_s E[x_m | z_s],   w_s prop. to p(x_o, z_s) / q(z_s|x_o)
#                                                               Mattei & Frellsen 2019, equation 12
@torch.no_grad()
def impute(
    model: Evaluable, x: Any, samples: int = 100, seed: int = 0
) -> Float[Tensor, " n *shape"]:
    """Return the examples with their missing entries, NaN, filled in.

    A number becomes its expectation given what is observed of the example, by self-normalised
    importance sampling: for a bit that is its probability, for a count the expected count. A
    category becomes the most probable one. What is observed stays as it is.

    Source: Mattei & Frellsen 2019, MIWAE: deep generative modelling and imputation of incomplete
    data sets, section 3.3.

    Args:
        model: one that takes missing entries: `nelbo.VAE(..., missing=True)`.
        x: whatever `nelbo.fit` takes, in rows [data, covariates] where the model has covariates.
        samples: latents drawn for each example; memory does not grow with them.
        seed: of the latents; the caller's generators stay as they were.

    Raises:
        ValueError: samples below 1, or data that the model refuses.

    Example:
        >>> import nelbo
        >>> model = nelbo.VAE(4, latent=2, likelihood=nelbo.likelihoods.Gaussian(), missing=True)
        >>> x = torch.tensor([[1.0, 2.0, torch.nan, 4.0]])
        >>> impute(model, x)[:, [0, 1, 3]]
        tensor([[1., 2., 4.]])

    """
    checks.count("samples", samples, least=1, usual=100)
    source = as_source(x)
    with fast_matmul(), seeded(seed), evaluation_mode(model):
        each = batches(model, source, ROWS)
        return torch.cat([_filled(model, rows, samples).cpu() for rows in each])


def _filled(model: Evaluable, x: Tensor, samples: int) -> Tensor:
    """Return some examples, filled in."""
    terms, found, left = model.terms(x, 1), _Averages(), samples - 1
    if terms.is_deterministic or not terms.has_density or not left:  # one draw needs no weight
        found.add(torch.zeros_like(terms.log_px), pieces(terms.px))
        left = 0
    else:
        found.add(terms.log_w, pieces(terms.px))
    chunk = max(1, VALUES // max(piece.each.numel() for piece in found.pieces))
    for start in range(0, left, chunk):
        terms = model.terms(x, min(chunk, left - start))
        found.add(terms.log_w, pieces(terms.px))
    data = torch.where(terms.x.isnan(), found.estimate().to(terms.x), terms.x)
    return data if terms.y is None else torch.cat((data.flatten(1), terms.y), dim=1)


class _Averages:
    """Self-normalised weighted means over samples that come in chunks."""

    def __init__(self) -> None:
        self.top: Tensor | None = None  # the largest log-weight so far, [batch]

    def add(self, log_w: Tensor, pieces: Iterable[_Piece]) -> None:
        """Take some samples into account."""
        pieces = list(pieces)
        top = log_w.max(0).values
        if self.top is None:
            self.top, self.total = top, torch.zeros_like(top)
            self.sums = [torch.zeros_like(piece.each[0]) for piece in pieces]
        new = torch.maximum(self.top, top)
        before, w = torch.exp(self.top - new), torch.exp(log_w - new)
        self.total = before * self.total + w.sum(0)
        self.sums = [
            _over(before, total) * total + (_over(w, piece.each) * piece.each).sum(0)
            for total, piece in zip(self.sums, pieces, strict=True)
        ]
        self.top, self.pieces = new, pieces

    def estimate(self) -> Tensor:
        """Return what the weighted means say of each feature, [batch, *data_shape]."""
        means = [total / _over(self.total, total) for total in self.sums]
        each = [p.estimate(m) for p, m in zip(self.pieces, means, strict=True)]
        return each[0] if len(each) == 1 else torch.cat(each, dim=-1)


def _over(w: Tensor, values: Tensor) -> Tensor:
    """Return weights that broadcast over the features of values."""
    return w.reshape(*w.shape, *(1 for _ in range(values.dim() - w.dim())))


def pieces(px: Distribution) -> list[_Piece]:
    """Return what is to be averaged over the samples of p(x|z), part by part of a table."""
    if isinstance(px, Observed):
        return pieces(px.px)
    if isinstance(px, _Parts):
        return [piece for part in px.parts for piece in pieces(part)]
    inner = px.base_dist if isinstance(px, Independent) else px
    if isinstance(inner, Categorical):
        values = getattr(inner, "values", torch.arange(inner.probs.shape[-1]))
        return [_Piece(inner.probs, lambda p: values.to(p)[p.argmax(-1)])]
    return [_Piece(px.mean, lambda mean: mean)]
