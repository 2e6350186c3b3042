"""Does the encoder learn at all?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from nelbo.doctor.diagnose.case import Case
from nelbo.doctor.finding import Finding
from nelbo.doctor.kept import sampling_mode

BATCH = 100


def frozen(case: Case) -> Iterator[Finding]:
    """Find an encoder whose parameters cannot change while the decoder's do."""
    encoder = (*case.encoding.trainable, *case.encoding.frozen)
    # parameters of both halves (tied weights) count for neither
    shared = {id(p) for p in (*case.decoding.trainable, *case.decoding.frozen)}
    encoder = tuple(p for p in encoder if id(p) not in shared)
    decoder = case.decoding.trainable
    if not encoder or not decoder:
        return
    reason = next(
        (why for stuck, why, _ in _ways(case, encoder, decoder) if stuck),
        None,
    )
    if reason is None:
        return
    fix = next(fix for stuck, _, fix in _ways(case, encoder, decoder) if stuck)
    count = sum(p.numel() for p in encoder)
    yield Finding(
        "frozen_encoder",
        "error",
        f"The encoder does not learn: {reason}. Its latents are what random weights make of x.",
        {"parameters of the encoder": count, "parameters of it that learn": 0},
        fix,
    )


def _ways(
    case: Case, encoder: Sequence[nn.Parameter], decoder: Sequence[nn.Parameter]
) -> Iterator[tuple[bool, str, str]]:
    yield (
        not any(p.requires_grad for p in encoder),
        "requires_grad is False for all of its parameters",
        "encoder.requires_grad_(True) before training.",
    )
    adapter = case.adapter
    if adapter is None:
        return
    if adapter.optimizer is not None:
        held = {id(p) for group in adapter.optimizer.param_groups for p in group["params"]}
        yield (
            any(id(p) in held for p in decoder) and not any(id(p) in held for p in encoder),
            "the optimizer holds the decoder's parameters and none of the encoder's",
            "Give the optimizer both: itertools.chain(encoder.parameters(), decoder.parameters()).",
        )
    if adapter.step is not None:
        yield (
            _unreached(adapter.step, case.x[:BATCH], adapter.every_module, encoder, decoder),
            "no gradient of the training step reaches its parameters",
            "Take detach(), torch.no_grad() or .numpy() out between the encoder and the loss.",
        )


def _unreached(
    step: Any,
    x: Tensor,
    modules: Sequence[nn.Module],
    encoder: Sequence[nn.Parameter],
    decoder: Sequence[nn.Parameter],
) -> bool:
    wanted = [p for p in (*encoder, *decoder) if p.requires_grad]
    with torch.enable_grad(), sampling_mode(*modules):
        loss = step(x.to(encoder[0]))
        if not isinstance(loss, Tensor) or not loss.requires_grad:
            return False
        try:
            found = torch.autograd.grad(loss.sum(), wanted, allow_unused=True)
        except RuntimeError:  # the step has gone backward itself
            return False
    moved = {
        id(p) for p, g in zip(wanted, found, strict=True) if g is not None and bool((g != 0).any())
    }
    return any(id(p) in moved for p in decoder) and not any(id(p) in moved for p in encoder)
