"""What a `Monitor` measures of one batch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from nelbo import formulas
from nelbo.doctor.audit.calling import as_numpy
from nelbo.doctor.nan_report import NanReport, described

SILENT = 0.05  # KL in nats below which nothing is said through the latents
SLACK = 0.05  # by which data may lie outside [0, 1]: standard noise around it
SAME = 0.01  # relative: a batch's own mean and the loss's, where noise was drawn once


@dataclass(frozen=True)
class Look:
    """Some numbers of one batch; nan where they cannot be had.

    Attributes:
        kl: nats per example.
        response: deviation of the outputs across the batch, as a share of the data's.
        lowest_output: of the outputs.
        highest_output: of the outputs.
        beyond_unit: share of the data outside [0, 1].
        features: of an example.
        averaged: whether the reconstruction term is a mean over the features.
    """

    kl: float
    response: float
    lowest_output: float
    highest_output: float
    beyond_unit: float
    features: int
    averaged: bool


@torch.no_grad()
def look(given: Mapping[str, Any], beta: float | None) -> Look:
    """Measure one batch."""
    x, mu, logvar, recon = (tensor(given[name]) for name in ("x", "mu", "logvar", "recon"))
    nothing = torch.tensor(math.nan)
    if mu is not None and logvar is not None and mu.shape == logvar.shape and mu.dim() > 1:
        kl = formulas.gaussian_kl(mu.float(), logvar.float()).flatten(1).sum(1).mean()
    else:
        kl = tensor(given["the KL"])
    numbers = [nothing if kl is None else kl.float().mean()]
    pair = None
    alike = x is not None and recon is not None and x.numel() == recon.numel()
    if x is not None and recon is not None and alike and x.dim() > 1 and len(x) > 1:
        pair = x.flatten(1).float(), recon.reshape(len(x), -1).float()
    numbers += [nothing] * 4 if pair is None else _outputs(*pair)
    like = numbers[-1]
    kl_now, response, low, high, beyond = torch.stack([n.to(like.device) for n in numbers]).tolist()
    averaged = False
    if pair is not None and kl_now < SILENT and pair[0].shape[1] > 1:
        averaged = _averaged(*pair, _reconstruction(given, kl_now, beta))
    features = 0 if x is None or x.dim() == 0 else x[0].numel()
    return Look(kl_now, response, low, high, beyond, features, averaged)


def _outputs(x: Tensor, recon: Tensor) -> list[Tensor]:
    response = _deviation(recon) / _deviation(x)
    beyond = ((x - 0.5).abs() > 0.5 + SLACK).float().mean()
    return [response, recon.min(), recon.max(), beyond]


def _deviation(x: Tensor) -> Tensor:
    """Return the features' mean standard deviation; `x.std(0)` takes ten times as long."""
    from_first = x - x[0]
    variance = (from_first * from_first).mean(0) - from_first.mean(0) ** 2
    return variance.clamp_min(0.0).sqrt().mean()


def _averaged(x: Tensor, recon: Tensor, term: float) -> bool:
    """Return whether a reconstruction term is a squared error or a cross-entropy per feature."""
    squared = float(((x - recon) ** 2).mean())
    inside = recon.clamp(1e-6, 1 - 1e-6)
    entropy = -float((x * inside.log() + (1 - x) * torch.log1p(-inside)).mean())
    logits = float(torch.nn.functional.binary_cross_entropy_with_logits(recon, x))
    return any(_same(term, each) for each in (squared, squared / 2, entropy, logits))


def _reconstruction(given: Mapping[str, Any], kl: float, beta: float | None) -> float:
    """Return the reconstruction term, as it was given or as what the KL leaves of the loss."""
    term, loss = given["the reconstruction term"], given["the loss"]
    if term is not None:
        return number(term)
    weight = 1.0 if beta is None else beta
    return math.nan if loss is None else number(loss) - weight * kl


def _same(a: float, b: float) -> bool:
    return a > 0 and abs(a - b) <= SAME * a


def first_broken(given: Mapping[str, Any]) -> NanReport | None:
    """Return the first of a batch's tensors and terms that is not finite, x first."""
    for name, value in given.items():
        array = tensor(value)
        # a sum is quicker than a look at every number; a large one may overflow by itself
        if array is not None and not (bool(array.sum().isfinite()) or _finite(array)):
            kind = "input" if name == "x" else "activation"
            return NanReport(kind, name, *described(array), _FIXES.get(name, _RATE))
    return None


def _finite(array: Tensor) -> bool:
    return bool(array.isfinite().all())


_RATE = "Lower the learning rate (a tenth), or clip the gradient at 100."
_FIXES = {
    "x": "Remove these examples or fill in what is missing.",
    "logvar": "Bound it: logvar.clamp(-10, 10); or lower the learning rate.",
    "the reconstruction term": "Pass logits to a loss that takes logits: log(0) is not finite.",
}


def tensor(value: Any) -> Tensor | None:
    """Return an array of any framework as a detached tensor, None for what is no array."""
    if value is None:
        return None
    if isinstance(value, tuple | list):  # (mean, logvar)
        return tensor(value[0]) if value else None
    if isinstance(value, Tensor):
        return value.detach()
    array = as_numpy(value)
    if array is None or array.dtype.kind not in "fiub":
        return None
    return torch.from_numpy(array if array.flags.writeable else array.copy())


def number(value: Any) -> float:
    """Return a scalar of any framework as a float."""
    found = tensor(value)
    return math.nan if found is None else float(found.float().mean())
