"""How a run computes: chosen before its first step, recorded, and kept when it is resumed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import nn
from torch.nn.modules.conv import _ConvNd

from nelbo import matmul
from nelbo.model import VAE
from nelbo.train.checks import AUTO
from nelbo.train.compiled import BREAK_EVEN


@dataclass(frozen=True)
class Arithmetic:
    """What decides the last bits of a run, beside its seed.

    Args:
        precision: of the networks, `"fp32"` or `"bf16"`.
        matmul: the kernel of single-precision matrix products on the processor.
        compiled: whether whole steps are compiled.
    """

    precision: str
    matmul: str
    compiled: bool

    @property
    def belief(self) -> str:
        """One phrase that says what was chosen."""
        kernel = ", oneDNN's matrix product" * (self.matmul == matmul.ONEDNN)
        return f"{self.precision}{kernel}, {'compiled' if self.compiled else 'uncompiled'} steps"

    def recorded(self) -> dict[str, Any]:
        """Return what a resumed run needs."""
        return asdict(self)


def choose(
    precision: str,
    compile: bool | None,
    steps: int | None,
    model: VAE,
    before: Mapping[str, Any] | None = None,
) -> Arithmetic:
    """Return how a run shall compute.

    Args:
        precision: as the user said.
        compile: as the user said; None leaves it to the number of steps.
        steps: of the whole run; None where it is unknown.
        model: on its device.
        before: what the run that is resumed recorded: the same again.
    """
    if before is not None:
        again = bool(before["compiled"]) if compile is None else compile
        precision = str(before["precision"]) if precision == AUTO else precision
        return Arithmetic(precision, str(before["matmul"]), again)
    device, threads = next(model.parameters()).device, torch.get_num_threads()
    kernel = matmul.chosen(threads) if device.type == "cpu" else matmul.DEFAULT
    if precision == AUTO:
        bears = model.likelihood.bears_bf16
        precision = "bf16" if bears and _has_fast_bf16(device, threads) else "fp32"
    pays = steps is not None and steps >= BREAK_EVEN and _gains(model, device)
    return Arithmetic(precision, kernel, pays if compile is None else compile)


def _gains(model: VAE, device: torch.device) -> bool:
    """Whether compiled steps were measured to be faster: convolutions and recurrences are not."""
    slow = any(isinstance(part, _ConvNd | nn.RNNBase) for part in model.modules())
    return device.type == "cuda" or not slow


def _has_fast_bf16(device: torch.device, threads: int) -> bool:
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return device.type == "cpu" and matmul.bf16_is_faster(threads)
