"""Calling anybody's loss: torch or NumPy in, one number out, and nothing of ours changed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from nelbo.doctor.returned import alone
from nelbo.errors import BadValue
from nelbo.rng import seeded

Recon = Tensor | tuple[Tensor, Tensor]


class Point(NamedTuple):
    """The four arguments of a loss, in float64.

    Attributes:
        x: [batch, *data_shape].
        recon: the same shape, or a pair of it.
        mu: [batch, latent].
        logvar: [batch, latent].
    """

    x: Tensor
    recon: Recon
    mu: Tensor
    logvar: Tensor


class LossRaised(Exception):
    """The user's own code raised; the text is what it said."""


def each(f: Callable[[Tensor], Any], recon: Recon) -> Any:
    """Apply a function to a reconstruction, or to both members of a pair."""
    return tuple(map(f, recon)) if isinstance(recon, tuple) else f(recon)


@dataclass(frozen=True)
class Kind:
    """One way of handing over arrays: torch or NumPy, double or single precision."""

    name: str
    convert: Callable[[Tensor], Any]
    torch: bool


KINDS = (
    Kind("torch float64", lambda t: t.clone(), True),
    Kind("torch float32", lambda t: t.float(), True),
    Kind("NumPy float64", lambda t: t.numpy().copy(), False),
    Kind("NumPy float32", lambda t: t.float().numpy(), False),
)


def kinds_for(x: Any) -> list[Kind]:
    """Return the kinds in the order in which to try them: like x first, double precision first.

    Example:
        >>> kinds_for(np.zeros(2))[0].name
        'NumPy float64'
    """
    return sorted(KINDS, key=lambda kind: kind.torch != isinstance(x, Tensor))


def own_kind(x: Any) -> Kind:
    """Return the kind of the user's own array, whose error says most when all have failed."""
    single = "32" in str(getattr(x, "dtype", ""))
    return next(kind for kind in kinds_for(x) if ("32" in kind.name) == single)


class Call:
    """A user's loss as a function of a `Point` and a seed, with what was noticed on the way.

    Args:
        loss: `loss(x, recon, mu, logvar)`.
        like: the user's own data: arrays of its kind are tried first.

    Attributes:
        kind: how arrays are handed over, once `begin` has found it.
        resolution: relative rounding of the returned number.
        changed: the arguments that the loss has changed in place.
        container: what the number was taken out of, such as `"the first of a tuple of 3"`.
        trusted: whether it takes float64 tensors and leaves them alone, so that none is copied.
        grad: whether its arguments ask for gradients: some losses do otherwise without.
    """

    def __init__(self, loss: Callable[..., Any], like: Any) -> None:
        self.loss = loss
        self.kinds, self.own = kinds_for(like), own_kind(like)
        self.kind = self.kinds[0]
        self.resolution = torch.finfo(torch.float64).eps
        self.changed: set[str] = set()
        self.container = ""
        self.grad = False
        self.trusted = False

    def begin(self, *points: Point) -> Point:
        """Find how the loss wants to be called, at the first of the points that it accepts.

        Raises:
            BadValue: it accepts none, or returns what is no number.
        """
        said: dict[Kind, LossRaised] = {}
        for point in points:
            for kind in self.kinds:
                self.kind = kind
                try:
                    self.raw(point)
                except LossRaised as error:
                    said.setdefault(kind, error)
                    continue
                return point
        first = said[self.own]
        raise BadValue(
            "loss",
            expected="a number from loss(x, recon, mu, logvar)",
            got=str(first),
            fix="Call it yourself with one batch, and wrap it if its arguments differ.",
        ) from first.__cause__

    def __call__(self, point: Point, seed: int = 0) -> float:
        """Return the loss at a point; NaN stays NaN.

        Raises:
            LossRaised: the user's code raised.
        """
        return self.number(self.raw(point, seed))

    def tried(self, point: Point, seed: int = 0) -> float:
        """Return the loss at a point, NaN where the user's code raises."""
        try:
            return self(point, seed)
        except LossRaised:
            return math.nan

    def raw(self, point: Point, seed: int = 0) -> Any:
        """Return what the loss returns, its number taken out of a tuple or dictionary."""
        given = self.converted(point, self.grad)
        return self.invoke(given, seed)

    def converted(self, point: Point, grad: bool) -> Point:
        """Return copies of a point's arrays, in the kind that the loss takes."""

        def copied(t: Tensor) -> Any:
            return t if self.trusted else self.kind.convert(t)

        def convert(t: Tensor) -> Any:
            array = copied(t) if not grad else self.kind.convert(t)
            return array.requires_grad_() if grad and self.kind.torch else array

        x, *others = (each(copied if i == 0 else convert, p) for i, p in enumerate(point))
        return Point(x, *others)

    def learn_mode(self, point: Point) -> None:
        """Note what the loss changes in place, and whether it is another one under gradients."""
        given = self.converted(point, grad=False)
        before = [_array(a).copy() for a in _flat(given)]
        without = self.number(self.invoke(given))
        for name, a, b in zip(_names(given), _flat(given), before, strict=True):
            if not np.array_equal(_array(a), b, equal_nan=True):
                self.changed.add(name)
        self.trusted = self.kind is KINDS[0] and not self.changed
        if not self.kind.torch or without != self.tried(point):
            return
        try:
            under = self.number(self.invoke(self.converted(point, grad=True)))
        except LossRaised:
            return
        self.grad = under != without and self.number(self.raw(point)) == without

    def invoke(self, given: Point, seed: int = 0) -> Any:
        """Call the user's code on arrays as they are, with all generators seeded."""
        value, taken = alone(users(self.loss, given, seed))
        self.container = taken or self.container
        return value

    def number(self, value: Any) -> float:
        """Return a loss as a float, and note its precision."""
        array = as_numpy(value)
        if array is None or array.size != 1 or array.dtype.kind not in "fiu":
            got, fix = f"{value!r:.60}", "Return the scalar that you call backward on."
            if array is not None and array.size > 1:
                got = f"shape {list(array.shape)}"
                fix = "Return its mean over the examples: loss.mean()."
            raise BadValue("loss", expected="one real number", got=got, fix=fix)
        if array.dtype.kind == "f" and not isinstance(value, float):
            self.resolution = max(self.resolution, float(np.finfo(array.dtype).eps))
        return float(array.reshape(()))


def users(function: Callable[..., Any], arguments: Iterable[Any], seed: int) -> Any:
    """Call a user's function with torch's and NumPy's generators seeded, and put them back.

    Raises:
        LossRaised: whatever it raised, in one line.
    """
    state = np.random.get_state()
    np.random.seed(seed)
    try:
        with seeded(seed):
            return function(*arguments)
    except Exception as error:
        raise LossRaised(f"{type(error).__name__}: {_first_line(error)}") from error
    finally:
        np.random.set_state(state)


def as_numpy(value: Any) -> np.ndarray | None:
    """Return a torch, Chainer, JAX or TensorFlow array as NumPy's; None for what is no array."""
    if isinstance(value, Tensor):
        return value.detach().cpu().resolve_conj().numpy()
    inner = getattr(value, "array", None)  # chainer.Variable
    if isinstance(inner, np.ndarray):
        return inner
    try:
        array = np.asarray(value)
    except (TypeError, ValueError, RuntimeError):
        return None
    return None if array.dtype == object else array


def _flat(point: Point) -> list[Any]:
    x, recon, mu, logvar = point
    return [x, *(recon if isinstance(recon, tuple) else (recon,)), mu, logvar]


def _array(a: Any) -> np.ndarray:
    return a.numpy() if isinstance(a, Tensor) else a


def _names(point: Point) -> list[str]:
    recons = ["recon"] * (2 if isinstance(point.recon, tuple) else 1)
    return ["x", *recons, "mu", "logvar"]


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else "without a message"
