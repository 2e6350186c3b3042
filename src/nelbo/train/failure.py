"""Where a loss that is not finite came from: the first tensor, the term and the examples."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from nelbo.data import Indexed, Source
from nelbo.doctor.kept import weights_kept
from nelbo.doctor.nan_report import NanReport, nan_report
from nelbo.model import VAE
from nelbo.rng import generator
from nelbo.terms import Terms

SHOWN = 8  # examples named
_CLIP = "Lower the learning rate, or clip the gradient, say at 100"
_BOUND = (
    "Lower the learning rate, or bound what goes into exp, log, sqrt and divisions: a gradient "
    "that is not finite broke the weights, and clipping does not mend that"
)


def broken_weights(model: nn.Module) -> list[str]:
    """Return the names of the parameters that are not finite."""
    named = dict(model.named_parameters())
    finite = torch.stack([p.detach().isfinite().all() for p in named.values()]).tolist()
    return [name for name, fine in zip(named, finite, strict=True) if not fine]


def mending(model: nn.Module) -> str:
    """Return what to do about a loss that is not finite."""
    return _BOUND if broken_weights(model) else _CLIP


def indices(source: Source, batch: int, seed: int, epoch: int, batches: int) -> list[int]:
    """Return which examples of the data are in a batch; none where that cannot be known."""
    if not isinstance(source, Indexed):
        return []
    return source.index_batches(batch, generator(seed, epoch), batches)[0].tolist()


@torch.no_grad()
def where_from(model: VAE, terms: Terms, batch: Sequence[int], updates: int) -> str:
    """Return the first tensor that is not finite, the term that it spoils, and the examples.

    The batch goes once more through encoder and decoder, with the very latents that were drawn.

    Args:
        model: with the weights with which the terms were computed.
        terms: the forward pass that failed.
        batch: indices of its examples in the data, where they are known.
        updates: how many the weights have had: the last is what broke them, if they are broken.
    """
    with weights_kept([model]):
        _mend_buffers(model)
        report = _first(model, terms)
    report = report or _first(model, terms)
    said = "" if report is None else f"; first tensor: {report.sentence.rstrip('.')}"
    if report is not None and report.kind == "parameter" and updates:
        said += f" since step {updates}, whose gradient was not finite"
    return f"{said}{_term(terms)}{_examples(terms, batch)}"


def _first(model: VAE, terms: Terms) -> NanReport | None:
    given = model.inputs.join(terms.x, terms.y)
    report = nan_report(model.encode, given, modules=[model])
    return report or nan_report(model.decode, terms.z, modules=[model])


def _mend_buffers(model: nn.Module) -> None:
    """Put running means right that the failed pass itself has broken: they are no cause."""
    for buffer in model.buffers():
        if buffer.is_floating_point():
            buffer.nan_to_num_(1.0, 1.0, 1.0)


def _term(terms: Terms) -> str:
    """Return the first term that is not finite."""
    broken = next(
        (name for name, value in _terms(terms).items() if _rows(value)), "the objective itself"
    )
    return f"; term: {broken}"


def _terms(terms: Terms) -> dict[str, Tensor]:
    kl = {"the KL": terms.kl_total} if terms.has_density else {}
    return {"log p(x|z)": terms.log_px, **kl}


def _examples(terms: Terms, batch: Sequence[int]) -> str:
    rows = sorted({row for value in _terms(terms).values() for row in _rows(value)})
    if not rows or len(rows) == len(terms.x):
        return f"; all {len(rows)} examples of the batch" if rows else ""
    kind, shown = ("the data", [batch[i] for i in rows]) if batch else ("the batch", rows)
    more = f" and {len(shown) - SHOWN} more" if len(shown) > SHOWN else ""
    return f"; examples {', '.join(map(str, shown[:SHOWN]))}{more} of {kind}"


def _rows(value: Tensor) -> list[int]:
    """Return the examples of which a term is not finite, [batch] or [samples, batch]."""
    broken = ~value.isfinite()
    return (broken.any(0) if broken.dim() > 1 else broken).nonzero().flatten().tolist()
