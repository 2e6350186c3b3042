"""The spectrum of any smooth loss, from its scores and its curvature at the best constant."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from nelbo.doctor.forecast.groups import Groups, Shape, find_groups
from nelbo.doctor.forecast.moments import KEPT, LARGEST_COVARIANCE, LARGEST_GRAM, from_root
from nelbo.doctor.forecast.optimum import FEW_PROBES, arrived, optimum
from nelbo.doctor.forecast.problem import Batch, Derivatives, Problem
from nelbo.doctor.forecast.scatter import scatter, spectrum
from nelbo.doctor.forecast.subspace import Subspace, subspace
from nelbo.doctor.forecast.whitening import Whitening, whitening
from nelbo.rng import generator

REFINEMENTS = 3  # Newton steps on all of the data, after those on some of it
ROUNDS = 4  # of the loss's own parameters and the output, in turn
NEAR = 1e-2  # a mean score below this share of its deviation changes the spectrum by its square


@dataclass(frozen=True)
class Solved:
    """A spectrum, where it was taken, and what has to be said about it.

    Attributes:
        found: the eigenvalues.
        eta: the best constant output, [outputs].
        groups: the outputs that share a curvature.
        curvature: of each group, [groups, size, size].
        notes: what was approximated.
    """

    found: Subspace
    eta: Float[Tensor, " outputs"]
    groups: Groups
    curvature: Float[Tensor, "groups size size"]
    notes: tuple[str, ...]

    def times(self, factor: float) -> Solved:
        """Return the same with every eigenvalue multiplied."""
        return replace(self, found=replace(self.found, values=self.found.values * factor))


# lambda(J, H): J = Cov(dl/d eta), H = E[d2l/d eta2] at eta = argmin E[l]        Sicks et al. 2021
def solve(
    problem: Problem,
    some: list[Batch],
    shapes: tuple[Shape, ...],
    left_out: Bool[Tensor, " features"],
) -> Solved:
    """Return the generalised eigenvalues of J = Cov(score) and H = mean curvature.

    Args:
        problem: the loss and all of the data.
        some: a part of the data, to find the best constant output with.
        shapes: of an example and of its outputs.
        left_out: features that shall not count.

    Raises:
        ValueError: the loss has no curvature where its scores vary.
    """
    notes: list[str] = []
    part = problem.over(some)
    groups = _groups(part, shapes, notes)
    ignored = (
        left_out if len(left_out) == len(groups) else torch.zeros(len(groups), dtype=torch.bool)
    )
    counts = groups.spread(~ignored[:, None].expand(-1, groups.size))
    eta, here = _settled(problem, part, groups, counts, notes)
    curvature = groups.blocks(here.products)
    scores = torch.cat(list(part.scores(eta)))
    ignored = ignored | groups.gather(here.silent).all(-1)
    unplaced = ~ignored & _unplaced(curvature, groups, here, eta, problem)
    if bool(unplaced.any()):
        notes.append(
            f"{int(unplaced.sum()):,} of {len(groups):,} features have no best constant output "
            "that could be found and were left out: the margin is at least as stated."
        )
    white = whitening(groups, curvature, scores, ignored | unplaced)
    found = _spectrum(problem, eta, white, here)
    return Solved(found, eta, groups, curvature, tuple(notes))


def _groups(part: Problem, shapes: tuple[Shape, ...], notes: list[str]) -> Groups:
    first = part.over(list(part.batches())[:1])
    outputs = len(part.start)

    # beside the start, where couplings that vanish at the optimum show
    aside = 0.05 * torch.randn(outputs, generator=generator(2, outputs), dtype=torch.float64)
    place = (part.start.double() + aside).clamp(*part.bounds)

    def product(probes: Tensor) -> Tensor:
        return first.derivatives(place, probes).products

    groups = find_groups(product, outputs, shapes)
    if groups is None:
        notes.append(
            "The loss couples more features than can be held: only the diagonal of its curvature "
            "was used, so that the margin is an approximation."
        )
        return Groups(1, 1, outputs)
    if groups.size > FEW_PROBES:
        notes.append(
            "The loss couples its features; its curvature is that of "
            f"{sum(count for _, count in part.batches()):,} examples."
        )
    return groups


def _settled(
    problem: Problem,
    part: Problem,
    groups: Groups,
    counts: Bool[Tensor, " outputs"],
    notes: list[str],
) -> tuple[Float[Tensor, " outputs"], Derivatives]:
    """Return the best constant output of all of the data, and the derivatives there."""
    start = problem.start
    for _ in range(ROUNDS if problem.settle else 1):
        if problem.settle:
            problem.settle(start)
        found, _ = optimum(replace(part, start=start), groups, counts)
        start = found.to(start.dtype)
    whole = replace(part if groups.size > FEW_PROBES else problem, start=start)
    eta, here = optimum(whole, groups, counts, close=NEAR, steps=REFINEMENTS)
    lost = int((counts & ~arrived(here, eta, problem.bounds, NEAR)).sum())
    if lost:
        notes.append(
            f"The best constant output was not found in {lost:,} of {len(eta):,} numbers: the "
            "margin is an approximation."
        )
    return eta, here


def _unplaced(
    curvature: Float[Tensor, "groups size size"],
    groups: Groups,
    here: Derivatives,
    eta: Float[Tensor, " outputs"],
    problem: Problem,
) -> Bool[Tensor, " groups"]:
    """Return the groups that are still on their way down from where the loss bends downwards."""
    lost = ~groups.gather(arrived(here, eta, problem.bounds, NEAR)).all(-1)
    return lost & (torch.linalg.eigvalsh(curvature)[:, 0] < 0)


def _spectrum(
    problem: Problem, eta: Float[Tensor, " outputs"], white: Whitening, here: Derivatives
) -> Subspace:
    if len(eta) <= LARGEST_COVARIANCE:
        covariance = scatter(problem.scores(eta)).covariance
        return Subspace(spectrum(white.both(covariance)), 0.0, 0)

    def rows() -> Iterator[Tensor]:
        for scores in problem.scores(eta):
            yield white(scores - here.slope.to(scores.dtype))

    if here.examples <= LARGEST_GRAM and here.examples * len(eta) <= KEPT:
        return Subspace(from_root(torch.cat(list(rows())).double() / here.examples**0.5), 0.0, 0)
    return subspace(rows, len(eta))
