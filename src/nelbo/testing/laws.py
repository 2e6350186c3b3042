"""What the checkers share: the error that names a broken law, and the laws of several axes."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor
from torch.distributions import Distribution, constraints

from nelbo.errors import NelboError
from nelbo.testing.quadrature import Nodes, dense_nodes, nodes

DRAWS = 20_000  # of the laws about samples
FEW = 100  # draws that are not the usual value, from which no error bar can be told
STEP = 1e-5  # of the finite differences, in float64
# of a deviation: how far the stated mean of a flow may be off. It has none in closed form, and
# states the average over a few fixed points (`moments_are_estimated`)
ESTIMATED = 0.1


class ConformanceError(NelboError, AssertionError):
    """A component breaks a law that every component of its axis keeps; the text names the law."""


def require(
    holds: bool, component: object, law: str, *, expected: object, got: object, fix: str
) -> None:
    """Raise the error that names the component and the law, unless the law holds."""
    if not holds:
        what = f"{type(component).__name__}, law '{law}'"
        raise ConformanceError(what, expected=expected, got=got, fix=fix)


def require_close(
    component: object,
    law: str,
    got: Tensor,
    expected: Tensor,
    fix: str,
    within: Tensor | float = 1e-6,
) -> None:
    """Require that |got - expected| <= within (1 + |expected|) everywhere; report the worst."""
    allowed = within * (1.0 + expected.abs())
    require_within(component, law, got, expected, fix, allowed)


def require_within(
    component: object, law: str, got: Tensor, expected: Tensor, fix: str, allowed: Tensor
) -> None:
    """Require that |got - expected| <= allowed everywhere; report the worst element."""
    got, expected, allowed = got.detach(), expected.detach(), allowed.detach()
    excess = ((got - expected).abs() / allowed).nan_to_num(nan=torch.inf).flatten()
    worst = int(excess.argmax())
    values = [v.broadcast_to(got.shape).flatten()[worst].item() for v in (expected, got, allowed)]
    require(
        bool(excess[worst] <= 1.0),
        component,
        law,
        expected=f"{values[0]:.8g} +- {values[2]:.1g}",
        got=f"{values[1]:.8g}",
        fix=fix,
    )


def require_shape(component: object, law: str, got: Tensor, expected: tuple[int, ...]) -> None:
    """Require that a density has a shape."""
    require(
        tuple(got.shape) == expected,
        component,
        law,
        expected=f"{list(expected)}",
        got=f"{list(got.shape)}",
        fix="Return a distribution over a whole example, with torch.distributions.Independent.",
    )


# <grad f, v> = [f(w + h v) - f(w - h v)] / 2h + O(h^2), for a random direction v
def require_gradient(
    component: object, law: str, function: Callable[[], Tensor], at: Iterable[Tensor]
) -> None:
    """Require that autograd's slope of `function` is that of central differences."""
    tensors = [tensor for tensor in at if tensor.requires_grad]
    if not tensors:
        return
    value = function()
    weights = torch.randn_like(value)
    directions = [torch.randn_like(tensor) for tensor in tensors]
    fix = "Look for a detach, a clamp, or an operation that autograd does not see."
    require(value.requires_grad, component, law, expected="a gradient", got="none", fix=fix)
    slopes = torch.autograd.grad((weights * value).sum(), tensors, materialize_grads=True)
    slope = torch.stack([(g * v).sum() for g, v in zip(slopes, directions, strict=True)]).sum()

    def moved(step: float) -> Tensor:
        with torch.no_grad():
            _move(tensors, directions, step)
            result = (weights * function()).sum()
            _move(tensors, directions, -step)
        return result

    numeric = (moved(STEP) - moved(-STEP)) / (2 * STEP)
    require_close(component, law, slope, numeric, fix)


def _move(tensors: list[Tensor], directions: list[Tensor], step: float) -> None:
    for tensor, direction in zip(tensors, directions, strict=True):
        tensor.add_(direction, alpha=step)


def require_samples(component: object, distribution: Distribution, extent: float = 0.0) -> None:
    """Require sample mean and variance within five standard errors of the stated ones.

    The errors are those of the draws; where nearly all draws are the same, other values being too
    rare to tell, they follow from the stated variance and from how far apart values can lie,
    `extent`. Where the moments are estimates themselves, `estimate_error` comes on top.
    """
    fix = "Make `sample`, `mean` and `variance` speak of one distribution."
    x = distribution.sample(torch.Size((DRAWS,)))
    mean, variance = distribution.mean, distribution.variance
    square = (x - mean) ** 2
    same = (x != x.median(0).values).sum(0) < FEW
    off = estimate_error(distribution)
    for law, draws, stated, rare, slack in (
        ("sample mean", x, mean, variance.sqrt(), off),
        ("sample variance", square, variance, variance.sqrt() * extent, 2 * off * variance.sqrt()),
    ):
        error = torch.where(same, rare.maximum(draws.std(0)), draws.std(0)) / DRAWS**0.5
        finite = stated.isfinite()  # a heavy tail may have no variance
        allowed = torch.where(finite, 5 * error + slack, torch.inf) + 1e-9
        stated = torch.where(finite, stated, 0.0)
        require_within(component, law, draws.mean(0), stated, fix, allowed)


def latent_nodes(distribution: Distribution) -> Nodes:
    """Return points and weights to integrate a density of one latent with."""
    centre, width = distribution.mean.item(), distribution.stddev.item()
    # a flow's density may have corners, and its tails are Gaussian
    if getattr(distribution, "moments_are_estimated", False):
        return dense_nodes(centre, width)
    return nodes(constraints.real, centre, width)


def require_mass(component: object, mass: Tensor) -> None:
    """Require that the masses at the points of a quadrature sum to 1."""
    one = torch.ones((), dtype=torch.float64)
    fix = "Add the log-normaliser, or the log-determinant of the transformation."
    require_close(component, "total mass 1", mass.sum(), one, fix)


def require_mean(
    component: object, distribution: Distribution, mass: Tensor, points: Tensor
) -> None:
    """Require that a stated mean is that of the masses at the points, [n, latents]."""
    got, expected = distribution.mean.flatten(), (mass[:, None] * points).sum(0)
    allowed = estimate_error(distribution).flatten() + 1e-6 * (1 + expected.abs())
    fix = "Return the mean of the distribution itself, not its parameter."
    require_within(component, "stated mean", got, expected, fix, allowed)


def estimate_error(distribution: Distribution) -> Tensor:
    """Return by how much a stated mean may be off: 0 unless it says that it is an estimate."""
    if getattr(distribution, "moments_are_estimated", False):
        return ESTIMATED * distribution.stddev
    return torch.zeros_like(distribution.mean)
