"""What latents can earn at most under a loss: the one bound that holds for any reconstruction."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from nelbo.doctor.audit.calling import Call, Point, Recon

INSIDE = 1e-6  # probabilities stay this far from 0 and 1


# at an optimum  R(reconstructions) + a_K sum KL <= R(best constant),  so
# sum KL <= (R(best constant) - R(x)) / a_K <= (R(mean) - R(x)) / a_K
def gain(call: Call, base: Point, output: str, weight: float | None) -> float | None:
    """Return the largest KL that an optimum can have, in nats per example.

    A decoder that ignores its latents pays nothing for them, so what is paid can be no more than
    what perfect reconstructions save against the mean example, which costs at least as much as
    the best constant.

    Args:
        call: the loss.
        base: where it is probed.
        output: what a reconstruction holds.
        weight: a_K, the loss's weight of a nat.

    Returns:
        None where the data is no possible output, or the weight not known and positive.
    """
    if weight is None or not weight > 0 or output == "mean+logvar":
        return None
    x = base.x
    if output != "mean" and not bool(((x >= 0) & (x <= 1)).all()):
        return None
    mean = x.mean(0, keepdim=True).expand_as(x).contiguous()
    ends = [call.tried(base._replace(recon=_output(t, output))) for t in (mean, x)]
    saved = (ends[0] - ends[1]) / weight / len(x)
    return saved if math.isfinite(saved) and saved > 0 else None


def _output(t: Tensor, output: str) -> Recon:
    inside = t if output == "mean" else t.clamp(INSIDE, 1 - INSIDE)
    return torch.logit(inside) if output == "logits" else inside
