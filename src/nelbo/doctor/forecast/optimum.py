"""The constant output of the lowest loss, by Newton's method group by group."""

from __future__ import annotations

from dataclasses import replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from nelbo.doctor.forecast.groups import Groups
from nelbo.doctor.forecast.problem import Derivatives, Problem

STEPS = 60
CLOSE = 1e-4  # a mean score below this share of its deviation is 0
FEW_PROBES = 32  # larger groups keep the curvature of an earlier step while it serves


# eta <- eta - (|H| + damping)^-1 E[s], group by group; a step that overshoots by half is shortened
def optimum(
    problem: Problem,
    groups: Groups,
    counts: Bool[Tensor, " outputs"],
    close: float = CLOSE,
    steps: int = STEPS,
) -> tuple[Float[Tensor, " outputs"], Derivatives]:
    """Return argmin of the mean loss over constant outputs, and the derivatives there.

    Args:
        problem: the loss and the data.
        groups: outputs that share a curvature.
        counts: outputs that have to arrive; the others may lie at infinity. Where all examples
            of the problem agree the output stays where it starts.
        close: share of its deviation below which a mean score is 0.
        steps: at most so many passes over the problem's data, besides the first.
    """
    probes = groups.probes(problem.start)
    eta = problem.start.double()
    here = problem.derivatives(eta, probes)
    damping = torch.zeros(len(groups), 1, dtype=torch.float64)
    for _ in range(steps):
        if bool((~counts | arrived(here, eta, problem.bounds, close)).all()):
            break
        step = _newton(groups, here, damping)
        tried = (eta + step).clamp(*problem.bounds)
        there = problem.derivatives(tried, probes[:0] if groups.size > FEW_PROBES else probes)
        if groups.size > FEW_PROBES:
            there = replace(there, products=here.products)
        good = _better(groups, here, there, step)
        everywhere = groups.spread(good.expand(-1, groups.size))
        eta, here = torch.where(everywhere, tried, eta), here.where(~everywhere, there)
        eased = torch.where(damping < 1e-2, torch.zeros_like(damping), damping / 4)
        damping = torch.where(good, eased, (4 * damping).clamp_min(1.0))
    return eta, here


def arrived(
    here: Derivatives,
    eta: Float[Tensor, " outputs"],
    bounds: tuple[float, float],
    close: float = CLOSE,
) -> Bool[Tensor, " outputs"]:
    """Return for each output whether its mean score is as good as 0, or pushes against a bound."""
    pushed = ((eta <= bounds[0]) & (here.slope > 0)) | ((eta >= bounds[1]) & (here.slope < 0))
    return pushed | here.silent | (here.slope.abs() <= close * here.variance.sqrt())


def _newton(
    groups: Groups, here: Derivatives, damping: Float[Tensor, "groups one"]
) -> Float[Tensor, " outputs"]:
    """Return the step that takes the mean score to 0, but for the damping."""
    values, vectors = torch.linalg.eigh(groups.blocks(here.products).nan_to_num())
    size = values.abs()
    largest = size.amax(-1, keepdim=True)
    size = size.maximum(1e-6 * largest) + damping * largest
    still = groups.gather(here.silent).all(-1, keepdim=True) | (size <= 0)
    inverse = torch.where(still, torch.zeros_like(size), 1 / size)
    along = (vectors.mT @ groups.gather(here.slope)[..., None])[..., 0]
    return -groups.spread((vectors @ (inverse * along)[..., None])[..., 0])


def _better(
    groups: Groups, here: Derivatives, there: Derivatives, step: Tensor
) -> Bool[Tensor, "groups one"]:
    """Return for each group whether the loss still falls at the end of the step, or hardly rises.

    A group that stands still is as good as before.
    """
    before = (groups.gather(here.slope) * groups.gather(step)).sum(-1, keepdim=True)
    after = (groups.gather(there.slope) * groups.gather(step)).sum(-1, keepdim=True)
    known = groups.gather(there.products).isfinite().all(-1).all(0)[:, None]
    return known & after.isfinite() & (after <= 0.5 * before.abs())
