"""The audit of an adapter's loss or training step, where it has one."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import torch
from torch import Tensor

from nelbo.data import Examples
from nelbo.doctor.audit import audit, audit_step
from nelbo.doctor.audit.results import Audit
from nelbo.doctor.diagnose.adapt import Adapter, Output
from nelbo.doctor.diagnose.foreign import Foreign, fed, weight
from nelbo.doctor.diagnose.liveness import Activity
from nelbo.doctor.kept import sampling_mode
from nelbo.errors import BadValue, NelboError

AUDITED = 100  # examples on which a loss is probed


def audited(model: Any, source: Examples, latent: int, decoding: Activity) -> Audit | None:
    """Audit the loss or the training step, where the adapter has one."""
    if not isinstance(model, Adapter) or (model.loss is None and model.step is None):
        return None
    x = source.spread(AUDITED)[:]
    # whoever ends the decoder in a sigmoid hands probabilities to the loss
    sigmoid = model.output == "mean" and decoding.last[-1:] == ("sigmoid",)
    output: Output = "prob" if sigmoid else model.output
    if model.loss is not None:
        with torch.enable_grad():
            return audit(model.loss, x, latent=latent, output=output, data=source[:])
    return None if model.decodes_x else _audit_step(model, x, source[:], output)


def _audit_step(model: Adapter, x: Tensor, data: Tensor, output: Output) -> Audit | None:
    like = weight(model.modules)
    half = like is not None and like.dtype in (torch.bfloat16, torch.float16)
    if model.step is None or half:  # three digits explain no loss
        return None
    _check_step(model, model.step, x)
    encode, decode = model.encoding.function, model.decoding.function
    step, encode, decode = (fed(f, model.modules) for f in (model.step, encode, decode))
    with torch.enable_grad(), sampling_mode(*model.every_module):
        return audit_step(step, x, encode=encode, decode=decode, output=output, data=data)


def _check_step(model: Adapter, step: Callable[..., Any], x: Tensor) -> None:
    weights = [p for m in model.every_module for p in m.parameters()]
    before = [p.detach().clone() for p in weights]
    call = Foreign("step", step, "step(x) -> scalar", model.modules, mode=sampling_mode)
    with suppress(NelboError), torch.enable_grad():  # the audit says more of one that raises
        call(x)
    if not all(map(torch.equal, before, weights)):
        raise BadValue(
            "step",
            expected="a function that returns the loss of a batch",
            got="one that changes the weights",
            fix="Leave optimizer.step() out of it.",
        )
