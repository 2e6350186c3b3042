"""The forecast's problem for a loss that somebody wrote."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from nelbo.data import Source
from nelbo.doctor.forecast.general import Solved, solve
from nelbo.doctor.forecast.kl_weight import Loss, kl_weight
from nelbo.doctor.forecast.moments import BATCH, Moments
from nelbo.doctor.forecast.problem import Batch, Problem, some
from nelbo.doctor.returned import alone
from nelbo.errors import BadType, BadValue, nearest
from nelbo.rng import generator

LARGEST_BATCH = 500
INSIDE = 1e-6  # probabilities stay this far from 0 and 1
ALIKE = 1e-4

Start = Callable[[Moments], Tensor]


@dataclass(frozen=True)
class Output:
    """What a decoder puts out, as numbers that a constant output consists of.

    Attributes:
        parts: tensors of an example's shape that it consists of.
        start: a good constant output, [parts * features].
        bounds: between which the numbers lie.
        bounded: whether it is the mean of data in [0, 1].
    """

    parts: int
    start: Start
    bounds: tuple[float, float] = (-float("inf"), float("inf"))
    bounded: bool = False

    def recon(self, outputs: Float[Tensor, "batch outputs"], shape: tuple[int, ...]) -> Any:
        """Return what the loss takes as the reconstruction."""
        shaped = [part.unflatten(1, shape) for part in outputs.chunk(self.parts, dim=1)]
        return shaped[0] if self.parts == 1 else tuple(shaped)


OUTPUTS = {
    "mean": Output(1, lambda found: found.mean),
    "prob": Output(
        1,
        lambda found: found.mean.clamp(INSIDE, 1 - INSIDE),
        bounds=(INSIDE, 1 - INSIDE),
        bounded=True,
    ),
    "logits": Output(1, lambda found: torch.logit(found.mean, eps=1e-3), bounded=True),
    "mean+logvar": Output(
        2, lambda found: torch.cat((found.mean, found.variance.clamp_min(1e-6).log()))
    ),
}


@dataclass(frozen=True)
class LossSolved:
    """The spectrum of a loss.

    Attributes:
        solved: in units of the loss's curvature and its weight on the KL.
        variance: of the Gaussian that a squared error is; None for another loss.
        left_out: how many features were left out.
    """

    solved: Solved
    variance: float | None
    left_out: int


def output_named(name: str) -> Output:
    """Return a kind of output by its name; ValueError for another."""
    if name not in OUTPUTS:
        raise BadValue(
            "output",
            expected="a known kind of decoder output",
            got=f"'{name}'",
            fix=nearest(str(name), OUTPUTS),
        )
    return OUTPUTS[name]


def solve_loss(
    loss: Loss, output: Output, latent: int, found: Moments, rare: Bool[Tensor, " features"]
) -> LossSolved:
    """Return the generalised spectrum of a loss.

    Weights that an example's terms share, such as 1/batch, cancel: the scores, their curvature
    and the weight of the KL carry the same.

    Args:
        loss: loss(x, recon, mu, logvar), a scalar of torch.
        output: what recon is.
        latent: the number of latents.
        found: moments of the data.
        rare: features to leave out unless the loss is a squared error.
    """
    data, shape = found.data, tuple(found.data.shape)
    loss = _unpacked(loss)
    size = max(1, min(LARGEST_BATCH, found.examples, BATCH // len(found.mean)))

    def total(x: Tensor, outputs: Tensor) -> Tensor:
        none = torch.zeros(len(x), latent, dtype=x.dtype, device=x.device)
        return _scalar(loss, x, output.recon(outputs, shape), none)

    def batches() -> Iterator[Batch]:
        return _equal(data, size, None)

    part = some(_equal(data, size, generator(0)))
    x = part[0][0]
    start = output.start(found).to(x.dtype)
    total(x, start.expand(len(x), -1).clone().requires_grad_())  # say what is wrong with it
    weight = kl_weight(loss, x, output.recon(start.expand(len(x), -1), shape), latent)
    problem = Problem(total, batches, start, output.bounds)
    half = squared_error(problem, x) if output.parts == 1 else None
    keep = half is not None or (output.parts == 1 and not output.bounded)
    left_out = torch.zeros_like(rare) if keep else rare
    solved = solve(problem, part, (shape, (output.parts, *shape)), left_out)
    variance = None if half is None else weight / half
    return LossSolved(solved.times(1 / weight), variance, int(left_out.sum()))


# l = (h / 2) |x - eta|^2:  dl/d eta = h (eta - x), the same h for every feature, example and eta
def squared_error(problem: Problem, x: Tensor) -> float | None:
    """Return h where the loss is a squared error h |x - output|^2 / 2, else None."""
    fixed = problem.over([(x, len(x))])
    found = {_rate(fixed, x, problem.start * share) for share in (1.0, 0.5)}
    first, second = min(found, default=0.0), max(found, default=0.0)
    return first if 0 < first and second <= (1 + ALIKE) * first else None


def _rate(problem: Problem, x: Tensor, eta: Tensor) -> float:
    """Return h where every score is h (eta - x), else 0."""
    slopes = next(iter(problem.scores(eta.double()))).double()
    apart = (eta - x.flatten(1)).double()
    h = float((slopes * apart).sum() / (apart**2).sum().clamp_min(1e-300))
    alike = ((slopes - h * apart).abs() <= ALIKE * abs(h) * apart.abs().max()).all()
    return h if bool(alike) else 0.0


def _unpacked(loss: Loss) -> Loss:
    """Return a loss that gives its value alone where it comes with others."""
    return lambda x, recon, mu, logvar: alone(loss(x, recon, mu, logvar))[0]


def _scalar(loss: Loss, x: Tensor, recon: Any, none: Tensor) -> Tensor:
    """Return the loss's value, or say what is wrong with it."""
    wanted = "a loss(x, recon, mu, logvar) of torch operations"
    try:
        value = loss(x, recon, none, none.clone())
    except Exception as error:
        if "numpy" in str(error).lower():
            fix = "Write it with torch, or use nelbo.audit, which takes any loss."
            raise BadType("loss", expected=wanted, got="one of NumPy", fix=fix) from error
        text = (str(error).splitlines() or [""])[0]
        fix = f"It was called with x {list(x.shape)} and mu {list(none.shape)}."
        got = f"{type(error).__name__}: {text}".rstrip(".")
        raise BadValue("loss", expected=wanted, got=got, fix=fix) from error
    if not isinstance(value, Tensor):
        fix = "Write it with torch, or use nelbo.audit, which takes any loss."
        raise BadType("loss", expected=wanted, got=type(value).__name__, fix=fix)
    if value.numel() != 1:
        got, fix = f"shape {list(value.shape)}", "Add .sum() or .mean() as in training."
        raise BadValue("loss", expected="a scalar", got=got, fix=fix)
    return value.reshape(())


def _equal(data: Source, size: int, order: torch.Generator | None) -> Iterator[Batch]:
    """Yield batches of one size; the last is filled up with the first examples, not counted."""
    held, first = torch.zeros(0, *data.shape), None
    for x in data.epoch(size, order=order):
        held = torch.cat((held, x.cpu()))
        while len(held) >= size:
            first = held[:size] if first is None else first
            yield held[:size], size
            held = held[size:]
    if len(held):
        filled = held if first is None else torch.cat((held, first[: size - len(held)]))
        yield filled, len(held)
