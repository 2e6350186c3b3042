"""The reconstruction terms that the audit knows, each summed over examples and features."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from nelbo.doctor.audit.results import Family
from nelbo.formulas import continuous_bernoulli_log_prob

CONTINUOUS_BERNOULLI = "continuous_bernoulli"
UNIT_INTERVAL = ("bce_prob", "bce_logits", CONTINUOUS_BERNOULLI)
LIKELIHOODS = (*UNIT_INTERVAL, "gaussian_nll", "gaussian_nll_profiled", "categorical")
OF_LOGITS = ("bce_logits", CONTINUOUS_BERNOULLI, "categorical")


@dataclass(frozen=True)
class Candidate:
    """A formula that a loss may be, in the unit of its family.

    Attributes:
        family: the name of the family.
        total: the term summed over examples and features, from (x, recon).
        outputs: the numbers of tensors that a reconstruction may have: 1, or 2 for a pair.
        remark: what is special about this spelling of the family.
        class_axis: the axis of the classes, where there is one.
        tolerance: relative residual below which it counts as found: a soft floor under a
            profiled variance, and a small epsilon in a logarithm, are no other formula.
        compared: scale and shift: it takes scale * x + shift for the data.
    """

    family: Family
    total: Callable[[Tensor, Any], Tensor]
    outputs: int = 1
    remark: str = ""
    class_axis: int | None = None
    tolerance: float = 1e-4
    compared: tuple[float, float] = (1.0, 0.0)

    def rescaled(self, scale: float, shift: float) -> Candidate:
        """Return the formula of scale * x + shift."""

        def total(x: Tensor, r: Any) -> Tensor:
            return self.total(scale * x + shift, r)

        return replace(self, total=total, compared=(scale, shift))


def _flat(x: Tensor) -> Tensor:
    return x.reshape(len(x), -1)


def _error(x: Tensor, r: Tensor) -> Tensor:
    return r - x


def _bce_prob(x: Tensor, p: Tensor) -> Tensor:
    return -(x * p.log() + (1 - x) * (1 - p).log()).sum()


def _bce_guarded(epsilon: float) -> Candidate:
    """Return a Bernoulli's loss with a large epsilon in its logarithms."""

    def total(x: Tensor, p: Tensor) -> Tensor:
        return -(x * (p + epsilon).log() + (1 - x) * (1 - p + epsilon).log()).sum()

    return Candidate("bce_prob", total, remark=f"with {epsilon:g} in its logarithms")


def _bce_logits(x: Tensor, a: Tensor) -> Tensor:
    return (F.softplus(a) - x * a).sum()


def _continuous_bernoulli_prob(x: Tensor, p: Tensor) -> Tensor:
    return -continuous_bernoulli_log_prob(x, torch.logit(p)).sum()


def _continuous_bernoulli_logits(x: Tensor, a: Tensor) -> Tensor:
    return -continuous_bernoulli_log_prob(x, a).sum()


# -log N(x; m, e^s) = (x - m)^2 e^-s / 2 + s/2 + log(2 pi)/2
def _gaussian_nll(x: Tensor, r: tuple[Tensor, Tensor]) -> Tensor:
    m, s = r
    return 0.5 * ((x - m) ** 2 * (-s).exp() + s + math.log(2 * math.pi)).sum()


def _gaussian_nll_log_sigma(x: Tensor, r: tuple[Tensor, Tensor]) -> Tensor:
    m, s = r
    return _gaussian_nll(x, (m, 2 * s))


# min over sigma of the Gaussian's: N/2 log(sum (x - m)^2 / N) for every pool of N
#     Rybkin et al. 2021
def _profiled(error: Tensor, axis: int | None) -> Tensor:
    squares = error**2
    mean = squares.mean() if axis is None else squares.mean(axis)
    return 0.5 * error.numel() / mean.numel() * mean.log().sum()


def _profiled_candidate(remark: str, total: Callable[[Tensor, Any], Tensor]) -> Candidate:
    return Candidate("gaussian_nll_profiled", total, remark=remark, tolerance=2e-3)


# the Bernoulli's with its arguments the wrong way round; torch's floor under the logarithms
def _swapped(x: Tensor, r: Tensor) -> Tensor:
    return -(r * x.log().clamp_min(-100) + (1 - r) * (1 - x).log().clamp_min(-100)).sum()


def log_cosh(alpha: float) -> Candidate:
    """Return the formula of a log cosh of alpha times the error; its unit has no standard."""

    def total(x: Tensor, r: Tensor) -> Tensor:
        error = alpha * _error(x, r)
        return (F.softplus(-2 * error) + error).sum()

    return Candidate("log_cosh", total, remark=f"of {alpha:.4g} times the error")


def _categorical(axis: int) -> Candidate:
    def logits(x: Tensor, r: Tensor) -> Tensor:
        return -(x * r.log_softmax(axis)).sum()

    return Candidate("categorical", logits, class_axis=axis)


def _categorical_prob(axis: int) -> Candidate:
    def probabilities(x: Tensor, r: Tensor) -> Tensor:
        return -(x * (r / r.sum(axis, keepdim=True)).log()).sum()

    return Candidate("categorical", probabilities, remark="of probabilities", class_axis=axis)


def _categorical_log(axis: int) -> Candidate:
    def logs(x: Tensor, r: Tensor) -> Tensor:
        return -(x * r.log()).sum()

    remark = "of probabilities, taken as they are"
    return Candidate("categorical", logs, remark=remark, class_axis=axis)


CANDIDATES: tuple[Candidate, ...] = (
    Candidate("squared_error", lambda x, r: (_error(x, r) ** 2).sum()),
    Candidate("absolute_error", lambda x, r: _error(x, r).abs().sum()),
    Candidate("bce_prob", _bce_prob),
    Candidate("bce_logits", _bce_logits),
    Candidate(CONTINUOUS_BERNOULLI, _continuous_bernoulli_prob, remark="of probabilities"),
    Candidate(CONTINUOUS_BERNOULLI, _continuous_bernoulli_logits, remark="of logits"),
    replace(log_cosh(1.0), remark=""),
    Candidate("linear_in_recon", lambda x, r: -(x * r).sum()),
    Candidate("linear_in_recon", _swapped, remark="swapped"),
    _profiled_candidate("", lambda x, r: _profiled(_error(x, r), None)),
    _profiled_candidate(
        "with a variance for every example", lambda x, r: _profiled(_flat(_error(x, r)), 1)
    ),
    _profiled_candidate(
        "with a variance for every feature", lambda x, r: _profiled(_flat(_error(x, r)), 0)
    ),
    *(_bce_guarded(epsilon) for epsilon in (1e-4, 1e-3, 1e-2)),
    Candidate("gaussian_nll", _gaussian_nll, outputs=2),
    Candidate(
        "gaussian_nll", _gaussian_nll_log_sigma, outputs=2, remark="of the logarithm of sigma"
    ),
    # not known as a family, but known well enough to be named
    Candidate("unknown", lambda x, r: _flat(_error(x, r)).norm(dim=1).sum(), remark="norm"),
    Candidate("unknown", lambda x, r: _error(x, r).norm(), remark="rmse"),
    Candidate("unknown", lambda x, r: F.smooth_l1_loss(r, x, reduction="sum"), remark="smooth_l1"),
    Candidate(
        "unknown",
        lambda x, r: -F.cosine_similarity(_flat(x), _flat(r), dim=1).sum(),
        remark="cosine",
    ),
)


def candidates(x: Tensor, outputs: int) -> list[Candidate]:
    """Return the formulas that fit data and the number of tensors in a reconstruction.

    A pair may also go into a loss that looks at the mean alone.
    """
    fitting = [c for c in CANDIDATES if c.outputs == outputs]
    if outputs == 2:
        return fitting + [_of_the_mean(c) for c in CANDIDATES if c.outputs == 1]
    for axis in class_axes(x):
        fitting += [_categorical(axis), _categorical_prob(axis), _categorical_log(axis)]
    return fitting


def _of_the_mean(candidate: Candidate) -> Candidate:
    remark = (candidate.remark + ", of the mean alone").removeprefix(", ")
    return Candidate(candidate.family, lambda x, r: candidate.total(x, r[0]), 2, remark)


def class_axes(x: Tensor) -> list[int]:
    """Return the axes along which there may be classes: one-hot rows, or counts of them."""
    if bool((x < 0).any()):
        return []
    return [axis for axis in range(1, x.dim()) if x.shape[axis] > 1]
