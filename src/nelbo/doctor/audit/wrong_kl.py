"""What is wrong with a KL: its formula, read off its values, and where it has its minimum."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from nelbo.doctor.audit.fields import latents
from nelbo.doctor.audit.posterior import Latents
from nelbo.doctor.audit.regression import sparsest

TERMS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "mu^2": lambda m, s: m**2,
    "exp(logvar)": lambda m, s: s.exp(),
    "logvar": lambda m, s: s,
    "exp(2 logvar)": lambda m, s: (2 * s).exp(),
    "exp(logvar/2)": lambda m, s: (s / 2).exp(),
    "logvar^2": lambda m, s: s**2,
    "log|logvar|": lambda m, s: s.abs().log(),
    "exp(-logvar)": lambda m, s: (-s).exp(),
    "mu^2 exp(-logvar)": lambda m, s: m**2 * (-s).exp(),
    "mu^2 exp(logvar)": lambda m, s: m**2 * s.exp(),
    "|mu|": lambda m, s: m.abs(),
    "|logvar|": lambda m, s: s.abs(),
    "mu": lambda m, s: m,
    "mu^4": lambda m, s: m**4,
}
MOST = 4
GRID = torch.linspace(-15.0, 15.0, 3001, dtype=torch.float64)


@dataclass(frozen=True)
class Mistake:
    """A term of the posterior that is not the KL.

    Attributes:
        formula: its coefficients, by name, per latent.
        scale: the weight of the KL that it was meant to be: that of mu^2 / 2, else of
            -logvar / 2, else of exp(logvar) / 2.
        what: what is wrong, a phrase.
        argmin: the log-variance at which it is smallest; None where there is no minimum.
        additional: whether the KL is all there, and something besides.
    """

    formula: dict[str, float]
    scale: float
    what: str
    argmin: float | None
    additional: bool

    def __str__(self) -> str:
        unit = abs(self.scale) if self.scale else 1.0
        pieces = (f"{c / unit:+.3g} {name}" for name, c in self.formula.items())
        return " ".join(pieces).removeprefix("+")


def find_mistake(posterior: Latents) -> Mistake | None:
    """Return the formula of a term that is a sum over examples and latents, if it is simple."""
    pairs = [*latents(*posterior.sizes, seed=1), *_positive(posterior)]
    values = np.array([posterior(mu, logvar) for mu, logvar in pairs])
    library = {
        name: np.array([float(term(mu, logvar).sum()) for mu, logvar in pairs])
        for name, term in TERMS.items()
    }
    exact = max(1e-6, 300 * posterior.call.resolution)
    noisy = posterior.seeds > 1
    found = sparsest(values, library, 3 if noisy else MOST, 0.005 if noisy else exact)
    if found is None:
        return None
    formula = {name: c for name, c in found[0].items() if abs(c) > 0}
    scale = _scale(formula)
    what, additional = _explain(formula, scale)
    argmin = _argmin(formula)
    if argmin is not None:
        argmin = round(argmin, 1 if noisy else 2) + 0.0
    return Mistake(formula, scale, what, argmin, additional)


def _positive(posterior: Latents) -> list[tuple[Tensor, Tensor]]:
    """Return posteriors of positive log-variance: all that the logarithm of one accepts."""
    random = torch.Generator().manual_seed(3)
    noise = torch.randn((6, *posterior.sizes), generator=random, dtype=torch.float64)
    levels = (0.3, 0.6, 1.0, 1.6, 2.2, 3.0)
    return [(n, level + 0.1 * n.abs()) for n, level in zip(noise, levels, strict=True)]


def _scale(formula: dict[str, float]) -> float:
    mu, exp, log = (formula.get(name, 0.0) for name in ("mu^2", "exp(logvar)", "logvar"))
    if mu and exp > 0 and abs(exp + log) < 0.01 * exp and mu > 0:
        return 2 * min(mu, exp)  # the variance's part is right: what is more than it is besides
    pieces = (
        ("mu^2", 2.0),
        ("mu^2 exp(-logvar)", 2.0),
        ("logvar", -2.0),
        ("exp(logvar)", 2.0),
    )
    return next((f * formula[name] for name, f in pieces if name in formula), math.nan)


# the KL is mu^2 / 2 + exp(logvar) / 2 - logvar / 2 - 1/2
def _explain(formula: dict[str, float], scale: float) -> tuple[str, bool]:
    """Return what is wrong, and whether the KL itself is all there."""
    relative = {name: 2 * c / scale for name, c in formula.items()}
    mu, exp, log = (relative.get(name, 0.0) for name in ("mu^2", "exp(logvar)", "logvar"))

    def near(value: float, wanted: float) -> bool:
        return abs(value - wanted) < 0.02

    others = set(formula) - {"mu^2", "exp(logvar)", "logvar"}
    if not others and near(exp, 1) and near(log, -1) and mu > 1 and not near(mu, 2):
        return f"{0.5 * (mu - 1):.3g} times mu^2 is added to it", True
    if others == {"mu"} and near(mu, 1) and near(exp, 1) and near(log, -1):
        return f"it is the KL to a prior of mean {-0.5 * relative['mu']:.3g}, not 0", False
    if {"exp(-logvar)", "mu^2 exp(-logvar)"} <= others and mu and exp:
        return "KL(p || q) is added to KL(q || p)", False
    if others and near(mu, 1) and near(exp, 1) and near(log, -1):
        return f"{', '.join(sorted(others))} is added to it", True
    if "mu^2 exp(-logvar)" in others or "exp(-logvar)" in others:
        return "it is KL(p || q), the wrong way round", False
    if "exp(2 logvar)" in others:
        return "the exponent is doubled: the variance is squared, or read as a deviation", False
    if "exp(logvar/2)" in others:
        return "the exponent is halved: the standard deviation stands where the variance is", False
    if "logvar^2" in others:
        return "logvar is read as a standard deviation: its square stands for the variance", False
    if "log|logvar|" in others:
        return "exp is forgotten: logvar stands for the variance", False
    if mu == 0:
        return "mu^2 is missing", False
    if mu < 0 or exp < 0 or log > 0:
        return "a sign inside is flipped", False
    if exp == 0 and log == 0:
        return "the variance is missing: nothing keeps it at 1", False
    if exp == 0:
        return "exp(logvar) is missing: nothing keeps the variance from growing", False
    if log == 0:
        return "logvar is missing: nothing keeps the variance from shrinking to 0", False
    if near(exp, -log) and not near(exp, mu):
        return "one half is missing: mu^2 and the variance have other factors", False
    if near(exp, mu):
        return f"it is the KL to a prior of variance {-log / exp:.3g}, not 1", False
    return "its pieces have unequal factors", False


def _argmin(formula: dict[str, float]) -> float | None:
    """Return the log-variance at which the term is smallest at mu = 0, on a grid of 0.01."""
    zero = torch.zeros_like(GRID)
    curve = sum(c * TERMS[name](zero, GRID) for name, c in formula.items())
    assert isinstance(curve, Tensor)
    at = int(curve.nan_to_num(nan=math.inf).argmin())
    inside = 0 < at < len(GRID) - 1
    return round(float(GRID[at]), 2) if inside else None
