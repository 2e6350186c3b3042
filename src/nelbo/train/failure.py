"""Where a loss that is not finite came from: the first tensor, the term and the examples."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from nelbo.data import Indexed, Source
from nelbo.doctor.nan_report import nan_report
from nelbo.model import VAE
from nelbo.rng import generator
from nelbo.terms import Terms

SHOWN = 8  # examples named


def indices(source: Source, batch: int, seed: int, epoch: int, batches: int) -> list[int]:
    """Return which examples of the data are in a batch; none where that cannot be known."""
    if not isinstance(source, Indexed):
        return []
    return source.index_batches(batch, generator(seed, epoch), batches)[0].tolist()


@torch.no_grad()
def where_from(model: VAE, terms: Terms, batch: Sequence[int]) -> str:
    """Return the first tensor that is not finite, the term that it spoils, and the examples.

    The batch goes once more through encoder and decoder, with the very latents that were drawn.

    Args:
        model: with the weights with which the terms were computed.
        terms: the forward pass that failed.
        batch: indices of its examples in the data, where they are known.
    """
    report = nan_report(model.encode, terms.x, modules=[model])
    report = report or nan_report(model.decode, terms.z, modules=[model])
    said = "" if report is None else f"; first tensor: {report.sentence.rstrip('.')}"
    return f"{said}{_term(terms)}{_examples(terms, batch)}"


def _term(terms: Terms) -> str:
    """Return the first term that is not finite."""
    named = {"log p(x|z)": terms.log_px, "the KL": terms.kl_total}
    broken = next((name for name, value in named.items() if _rows(value)), "the objective itself")
    return f"; term: {broken}"


def _examples(terms: Terms, batch: Sequence[int]) -> str:
    rows = sorted({*_rows(terms.log_px), *_rows(terms.kl_total)})
    if not rows or len(rows) == len(terms.x):
        return f"; all {len(rows)} examples of the batch" if rows else ""
    kind, shown = ("the data", [batch[i] for i in rows]) if batch else ("the batch", rows)
    more = f" and {len(shown) - SHOWN} more" if len(shown) > SHOWN else ""
    return f"; examples {', '.join(map(str, shown[:SHOWN]))}{more} of {kind}"


def _rows(value: Tensor) -> list[int]:
    """Return the examples of which a term is not finite, [batch] or [samples, batch]."""
    broken = ~value.isfinite()
    return (broken.any(0) if broken.dim() > 1 else broken).nonzero().flatten().tolist()
