"""The KL term: which form, with which weight, reduced how."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import torch

from nelbo.doctor.audit.calling import Call, LossRaised, Point
from nelbo.doctor.audit.fields import latents, standard_kl
from nelbo.doctor.audit.posterior import Latents
from nelbo.doctor.audit.reconstruction import rounding, undivided
from nelbo.doctor.audit.regression import EXACT, SAMPLED, Fit, fit
from nelbo.doctor.audit.results import KL, Form, Reduction
from nelbo.doctor.audit.sizes import Change, law, twice_the_examples, twice_the_latents
from nelbo.doctor.audit.threshold import Threshold, find_threshold
from nelbo.doctor.audit.wrong_kl import Mistake, find_mistake

DRAWS = 6_000  # latents drawn, all in all, where the KL is sampled
GUARDED = 5e-3  # misfit that an epsilon inside a logarithm may make
FAR = ((20.0, -1.0), (30.0, -1.0)), ((0.0, -20.0), (0.0, -30.0)), ((0.0, 2.0), (0.0, 3.0))
FAINT = (1e4, -1.0), (2e4, -1.0)


@dataclass(frozen=True)
class FoundKL:
    """What probing found of the KL term.

    Attributes:
        term: what the audit returns of it.
        weight: a_K, what multiplies the KL summed over examples and latents.
        sampled: whether two calls differ.
        residual: relative misfit of the formula.
        threshold: of free bits or a capacity.
        mistake: what is wrong with a wrong one.
        error: one standard error of the weight, relative, where it was estimated.
        detached: whether it has a value but no gradient, and so is absent from training.
        uneven: whether some latents or examples count for less than others.
    """

    term: KL
    weight: float | None
    sampled: bool
    residual: float
    threshold: Threshold | None = None
    mistake: Mistake | None = None
    detached: bool = False
    error: float = 0.0
    uneven: bool = False


def find_kl(call: Call, base: Point) -> FoundKL:
    """Return what the loss says of posteriors, the reconstruction held fixed."""
    posterior = Latents(call, base)
    sampled, from_z = _sampling(posterior)
    if from_z:
        posterior.seeds = max(4, min(300, math.ceil(DRAWS / math.prod(posterior.sizes))))
    pairs = latents(*posterior.sizes)
    values = np.array([posterior(mu, logvar) for mu, logvar in pairs])
    finite = values[np.isfinite(values)]
    if len(finite) < 3 or np.ptp(finite) <= rounding(call, finite):
        faint = None if sampled else _faint(posterior)
        if faint is not None:
            return _found("closed", posterior, faint, sampled, math.inf)
        return FoundKL(KL("absent", None, None, None), None, sampled, math.inf)
    totals = np.array([float(standard_kl(mu, logvar).sum()) for mu, logvar in pairs])
    found = fit(values, totals)
    if found.residual < (SAMPLED if from_z else EXACT) and _linear_near_zero(posterior, found):
        weight = _from_mu(posterior) if from_z else found.coefficients[0]
        return _found("mc" if from_z else "closed", posterior, weight, sampled, found.residual)
    threshold = None if from_z else find_threshold(posterior, pairs, values)
    if threshold is not None:
        return _found(
            threshold.form, posterior, threshold.weight, sampled, threshold.residual, threshold
        )
    return _irregular(posterior, sampled, found.residual)


def _irregular(posterior: Latents, sampled: bool, residual: float) -> FoundKL:
    """Return what is known of a term that is not proportional to the KL."""
    frozen = _frozen_noise(posterior)
    if frozen is not None:
        return _found("mc", posterior, frozen, sampled, residual)
    mistake = find_mistake(posterior)
    by_mu, by_logvar = _from_mu(posterior, far=True), _from_logvar(posterior)
    whole = by_mu > 0 and abs(by_logvar / by_mu - 1) < 0.02
    if mistake is not None and mistake.additional:
        return _found("extra", posterior, mistake.scale, sampled, residual, mistake=mistake)
    if mistake is None and by_mu > 0 and residual < GUARDED and not sampled:
        return _found("closed", posterior, by_mu, sampled, residual)  # an epsilon in a logarithm
    uneven = mistake is None and whole and _uneven(posterior, by_mu)
    if mistake is None and whole and not uneven:
        return _found("extra", posterior, by_mu, sampled, residual)
    scale = None if mistake is None else mistake.scale
    found = _found("wrong", posterior, scale, sampled, residual, mistake=mistake)
    return replace(found, uneven=uneven)


def _uneven(posterior: Latents, weight: float) -> bool:
    """Return whether the mu^2 / 2 of some latent of some example counts for less than average."""
    batch, latent = posterior.sizes
    for at in ((0, 0), (batch - 1, latent - 1), (batch // 2, latent // 2)):
        alone = torch.zeros(posterior.sizes, dtype=torch.float64)
        alone[at] = 1.0
        even = [0.5 * (posterior(m * alone, 0.0) + posterior(-m * alone, 0.0)) for m in (30, 60)]
        if (even[1] - even[0]) / (0.5 * (60**2 - 30**2)) < 0.7 * weight:
            return True
    return False


def _found(
    form: Form,
    posterior: Latents,
    weight: float | None,
    sampled: bool,
    residual: float,
    threshold: Threshold | None = None,
    mistake: Mistake | None = None,
) -> FoundKL:
    squared = threshold is not None and threshold.squared
    batch, over_latents = _squared_laws(posterior) if squared else _laws(posterior, sampled)
    known = weight if weight is not None and math.isfinite(weight) and weight != 0 else None
    constant = undivided(
        undivided(known, batch, posterior.sizes[0]), over_latents, posterior.sizes[1]
    )
    term = KL(form, batch, over_latents, constant)
    return FoundKL(term, known, sampled, residual, threshold, mistake)


def _laws(posterior: Latents, sampled: bool) -> tuple[Reduction | None, Reduction | None]:
    """Return the reductions over examples and latents, read off far from the prior."""
    seeds = min(posterior.seeds, 8) if sampled else 1
    for low, high in (*FAR, FAINT):
        ends = posterior.point(*low), posterior.point(*high)
        values = np.array([posterior.call.tried(end) for end in ends])
        if np.isfinite(values).all() and np.ptp(values) > rounding(posterior.call, values):
            return (
                law(posterior.call, *ends, twice_the_examples, seeds, batch=True),
                law(posterior.call, *ends, twice_the_latents, seeds),
            )
    return None, None


# (z^2 - e^2 - logvar) / 2 at z = mu + sigma e: alike everywhere, with the means of e and e^2
def _frozen_noise(posterior: Latents) -> float | None:
    """Return the weight of a KL sampled at noise that is the same in every call, if it is one."""
    points = [(m, s) for m in (-2.0, -0.5, 0.0, 1.0, 3.0) for s in (-2.0, -0.5, 0.3, 1.2)]
    values = np.array([posterior(mu, logvar) for mu, logvar in points])
    mu, logvar = np.array(points).T
    columns = (mu**2, logvar, np.exp(logvar), mu * np.exp(0.5 * logvar))
    found = fit(values, *columns)
    square, linear, spread, crossed = found.coefficients
    count = math.prod(posterior.sizes)
    regular = found.residual < 1e-6 and square != 0 and abs(linear / square + 1) < 1e-4
    slack = 6 / math.sqrt(count)
    if not regular or abs(crossed / square) < 1e-6 or abs(spread / square - 1) > slack:
        return None
    return 2 * square / count


# (K - C)^2, K twice as large: four times the curvature; the curvature of a square root is linear
def _squared_laws(posterior: Latents) -> tuple[Reduction | None, Reduction | None]:
    """Return the reductions inside a squared distance to a capacity."""
    ends = [posterior.point(mu, 0.0) for mu in (60.0, 80.0, 100.0)]

    def curvature(change: Change) -> float:
        values = [posterior.call.tried(change(end)) for end in ends]
        nats = [0.5 * float((end.mu[0, 0]) ** 2) for end in ends]
        return float(np.polyfit(nats, values, 2)[0])

    alone = curvature(lambda point: point)
    batch, over_latents = (
        curvature(change) / alone for change in (twice_the_examples, twice_the_latents)
    )
    names: dict[int, Reduction] = {1: "mean", 2: "sum", 4: "sum"}
    return names.get(round(batch, 2)), {1: "mean", 4: "sum"}.get(round(over_latents, 2))  # type: ignore


def _sampling(posterior: Latents) -> tuple[bool, bool]:
    """Return whether two calls differ, and whether they do because z is drawn in the KL.

    The noise of a KL estimated at a draw of z grows with mu without bound; that of a kernel, or
    of dropout, does not.
    """
    try:
        values = np.array([posterior.call(posterior.point(1.0, 0.0), seed) for seed in (0, 1, 2)])
    except LossRaised:
        return False, False
    if not np.isfinite(values).all() or np.ptp(values) <= rounding(posterior.call, values):
        return False, False
    return True, posterior.spread(60.0) > 4 * posterior.spread(0.0)


def _linear_near_zero(posterior: Latents, found: Fit) -> bool:
    """Return whether small KLs count like large ones: not so under free bits or a capacity."""
    if posterior.seeds > 1:
        return True
    weight = found.coefficients[0] * math.prod(posterior.sizes)
    start = posterior(0.0, 0.0)
    for nats in (1e-3, 1e-2, 0.1, 0.5):
        measured = posterior(math.sqrt(2 * nats), 0.0) - start
        slack = rounding(posterior.call, np.array([start]))
        if abs(measured - weight * nats) > 0.02 * abs(weight * nats) + slack:
            return False
    return True


# (L(mu) + L(-mu) - 2 L(0)) / 2 = a_K * mu^2 / 2 * (examples * latents): the noise is odd in mu
def _from_mu(posterior: Latents, far: bool = False) -> float:
    """Return the weight that the loss gives to mu^2 / 2."""
    near, wide = (30.0, 60.0) if far else (0.0, 10.0)
    even = [0.5 * (posterior(mu, 0.0) + posterior(-mu, 0.0)) for mu in (near, wide)]
    return (even[1] - even[0]) / (0.5 * (wide**2 - near**2)) / math.prod(posterior.sizes)


# lost in single precision beside the reconstruction, and no longer so far away
def _faint(posterior: Latents) -> float | None:
    """Return the weight that both mu and logvar are given very far from the prior."""
    count = math.prod(posterior.sizes)
    ends = [(0.0, 0.0), (FAINT[1][0], 0.0), (0.0, -1e7), (0.0, -2e7)]
    values = np.array([posterior(*end) for end in ends])
    start, wide, *narrow = values
    slack = 100 * rounding(posterior.call, values[:1])
    if not np.isfinite(values).all() or abs(wide - start) <= slack:
        return None
    by_mu = (wide - start) / (0.5 * FAINT[1][0] ** 2) / count
    by_logvar = (narrow[1] - narrow[0]) / 0.5e7 / count
    return float(by_mu) if abs(by_logvar / by_mu - 1) < 0.02 else None


# L(0, -2s) - L(0, -s) -> a_K * s / 2 * (examples * latents): e^logvar has gone by then
def _from_logvar(posterior: Latents) -> float:
    """Return the weight that the loss gives to -logvar / 2, at small variances."""
    return (posterior(0.0, -30.0) - posterior(0.0, -15.0)) / 7.5 / math.prod(posterior.sizes)
