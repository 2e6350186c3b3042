"""What the modified Bessel functions of the first kind are needed for: the von Mises-Fisher."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

ORDER = 32  # from which on the uniform expansion is exact to rounding
TERMS = 8


# log [ Gamma(v + 1) (2/x)^v I_v(x) ] - x
def log_bessel(x: Float[Tensor, "*shape"], order: float) -> Float[Tensor, "*shape"]:
    """Logarithm of I_v over its first term (x/2)^v / Gamma(v + 1), less x: 0 at x = 0.

    From order 32 on by the uniform expansion, DLMF 10.41.3; below it by the ratios of neighbours,
    I_j / I_(j+1) = 2 (j + 1)/x + I_(j+2) / I_(j+1), all of whose terms are positive.

    Args:
        x: not negative.
        order: v, at least 0.

    Example:
        >>> log_bessel(torch.zeros(1), 0.5)
        tensor([0.])

    """
    return _LogBessel.apply(x, order)


class _LogBessel(torch.autograd.Function):
    """The logarithm, whose derivative is that of I_v less 1: minus what `short_of_one` gives."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, order: float) -> Tensor:
        shorts, total = _shorts(x, order)
        for j, short in zip(_orders(order), shorts[1:], strict=True):
            total = total + torch.log1p(x * (1.0 - short) / (2.0 * (j + 1.0)))
        return total

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, float], output: Tensor) -> None:
        ctx.save_for_backward(inputs[0])
        ctx.order = inputs[1]

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, None]:
        (x,) = ctx.saved_tensors
        return -grad_outputs[0] * short_of_one(x, ctx.order), None


# 1 - I_(v+1)(x) / I_v(x)
def short_of_one(x: Float[Tensor, "*shape"], order: float) -> Float[Tensor, "*shape"]:
    """What the ratio of two neighbouring Bessel functions lacks to 1, without cancellation.

    With c_j = 1 - I_(j+1)/I_j and r = 2 (j + 1) - x c_(j+1), c_j = r / (r + x).

    Args:
        x: not negative.
        order: v, at least 0.

    Example:
        >>> round(float(short_of_one(torch.tensor([1.0]), 0.0)), 6)  # 1 - I_1(1) / I_0(1)
        0.55361

    """
    return _shorts(x, order)[0][0]


def _orders(order: float) -> list[float]:
    """Return v, v + 1, ... below the order of the expansion."""
    return [order + k for k in range(max(0, round(ORDER - order)))]


def _shorts(x: Tensor, order: float) -> tuple[list[Tensor], Tensor]:
    """Return c_v, ..., c_m and the logarithm at order m, where the expansion holds."""
    orders = _orders(order)
    m = order + len(orders)
    root = torch.sqrt(m * m + x * x)
    series, slope = _series(m / root, m)
    at_zero = _series(torch.ones_like(x), m)[0]
    lift = torch.log1p((x / m) ** 2 / (2.0 * (1.0 + root / m)))  # log (1 + w)/2, w = root / m
    log = -m * (x + x * x / (root + m)) / (root + x) - m * lift - 0.25 * torch.log1p((x / m) ** 2)
    log = log + torch.log(series / at_zero)
    short = (m + m * m / (root + x)) / (m + root)
    short = short + x / root**2 * (0.5 + m / root * slope / series)
    shorts = [short]
    for j in reversed(orders):
        rest = 2.0 * (j + 1.0) - x * shorts[-1]
        shorts.append(rest / (rest + x))
    return shorts[::-1], log


def _series(p: Tensor, m: float) -> tuple[Tensor, Tensor]:
    """Return sum_k U_k(p) / m^k, and its derivative in p."""
    coefficients = [0.0] * (3 * TERMS + 1)
    for k, polynomial in enumerate(_polynomials()):
        for power, value in enumerate(polynomial):
            coefficients[power] += float(value) / m**k
    value, slope = torch.zeros_like(p), torch.zeros_like(p)
    for power in reversed(range(len(coefficients))):
        slope = slope * p + value
        value = value * p + coefficients[power]
    return value, slope


# U_(k+1)(p) = p^2 (1 - p^2) U_k'(p) / 2 + (1/8) int_0^p (1 - 5 t^2) U_k(t) dt       DLMF 10.41.9
@lru_cache(maxsize=1)
def _polynomials() -> tuple[tuple[Fraction, ...], ...]:
    """Return the coefficients of U_0, U_1, ..., the lowest power first."""
    found: list[tuple[Fraction, ...]] = [(Fraction(1),)]
    for _ in range(TERMS):
        after = [Fraction(0)] * (len(found[-1]) + 3)
        for power, value in enumerate(found[-1]):
            after[power + 1] += value * (Fraction(power, 2) + Fraction(1, 8 * (power + 1)))
            after[power + 3] -= value * (Fraction(power, 2) + Fraction(5, 8 * (power + 3)))
        found.append(tuple(after))
    return tuple(found)
