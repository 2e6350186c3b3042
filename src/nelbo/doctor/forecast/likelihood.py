"""The forecast's problem for a likelihood: -log p(x) in nats."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import torch
from jaxtyping import Bool
from torch import Tensor

from nelbo.doctor.forecast.general import Solved, solve
from nelbo.doctor.forecast.moments import BATCH, Moments
from nelbo.doctor.forecast.problem import Batch, Problem, Settle, Total, some
from nelbo.likelihoods import Likelihood
from nelbo.rng import generator

MUCH = 2**24  # values that are worth the time of float64


def is_exponential(likelihood: Likelihood, found: Moments, shape: tuple[int, ...]) -> bool:
    """Return whether the forecast follows from the data's covariance and V(mean) alone.

    It does for an exponential family in x, -log p(x; eta) = a(eta) - b(eta) x + c(x): its score
    is affine in x. Looked at where the data lies: at five values between smallest and largest.
    """
    if found.low == found.high:
        return True  # nothing varies: every spectrum is 0
    if likelihood.support.event_dim > 0:
        return False  # features of one event vary together
    if likelihood.collapsed_variance(found.mean, found.variance) is None:
        return False
    fits = type(likelihood).collapsed_variance is not Likelihood.collapsed_variance
    if not fits and any(p.requires_grad for p in likelihood.parameters()):
        return False
    subject = copy.deepcopy(likelihood).cpu().double().eval()
    values = found.low + (found.high - found.low) * torch.linspace(0, 1, 5, dtype=torch.float64)
    values = values.round() if getattr(subject.domain, "is_discrete", False) else values
    x = values.reshape(-1, *(1,) * len(shape)).expand(-1, *shape)
    try:
        output = subject.output_at(found.mean.reshape(shape))
        outputs = output.expand(5, *output.shape).clone().requires_grad_()
        value = subject(outputs[None]).log_prob(x).sum()
        slope = torch.autograd.grad(value, outputs)[0]
    except (RuntimeError, ValueError):
        return False
    if slope.shape != x.shape or not bool(slope.isfinite().all()):
        return False
    rise, along = slope - slope[:1], x - x[:1]
    bent = (rise * along[-1] - rise[-1] * along).abs() > 1e-6 * (rise * along[-1]).abs().amax(0)
    return bool((rise[-1] != 0).any()) and not bool(bent.any())


def solve_likelihood(
    likelihood: Likelihood, found: Moments, left_out: Bool[Tensor, " features"]
) -> Solved:
    """Return the generalised spectrum of -log p(x), of whatever form it is.

    The likelihood's own parameters, such as a learned scale, are taken at their best for a
    constant output.
    """
    data, shape = found.data, tuple(found.data.shape)
    outputs = tuple(likelihood.parameter_shape(shape))
    much = found.examples * torch.Size(outputs).numel() > MUCH
    dtype = torch.float32 if much else torch.float64
    subject = copy.deepcopy(likelihood)
    subject.setup(shape)
    subject = subject.cpu().to(dtype).eval()

    def total(x: Tensor, eta: Tensor) -> Tensor:
        return -subject(eta.unflatten(1, outputs)[None]).log_prob(x.to(dtype)).sum()

    size = max(1, min(2000, BATCH // (2 * torch.Size(outputs).numel())))

    def batches() -> Iterator[Batch]:
        return ((x.cpu(), len(x)) for x in data.epoch(size))

    with torch.no_grad():
        subject.start(*(m.reshape(shape).to(dtype) for m in (found.mean, found.variance)))
        start = subject.output_at(found.mean.reshape(shape).to(dtype)).expand(outputs).flatten()
    part = some((x[:size].cpu(), len(x[:size])) for x in data.epoch(size, order=generator(0)))
    problem = Problem(total, batches, start, settle=_fitted(subject, part, total))
    return solve(problem, part, (shape, outputs), left_out)


def _fitted(subject: Likelihood, part: list[Batch], total: Total) -> Settle | None:
    """Return what sets the likelihood's own parameters to their best beside a constant output."""
    own = [p for p in subject.parameters() if p.requires_grad]
    if not own:
        return None

    def settle(eta: Tensor) -> None:
        search = torch.optim.LBFGS(own, max_iter=100, line_search_fn="strong_wolfe")
        count = sum(n for _, n in part)

        def loss() -> float:
            search.zero_grad()
            value = sum(total(x, eta.expand(len(x), -1)) for x, _ in part) / count
            assert isinstance(value, Tensor)
            value.backward()
            return value.item()

        with torch.enable_grad():
            search.step(loss)

    return settle
