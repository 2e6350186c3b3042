"""The losses of a training step, explained by reconstructions and KLs on the same batches."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from nelbo.doctor.audit.calling import LossRaised
from nelbo.doctor.audit.families import Candidate, candidates
from nelbo.doctor.audit.fields import Fields
from nelbo.doctor.audit.kl import FoundKL
from nelbo.doctor.audit.reconstruction import NONE, FoundReconstruction
from nelbo.doctor.audit.regression import Fit, fit
from nelbo.doctor.audit.rescaled import IN_DATA, USUAL
from nelbo.doctor.audit.results import KL, Form, Reconstruction, Reduction
from nelbo.doctor.audit.step_model import NO_NOISE, NOISES, SEVERAL, Model, Noise
from nelbo.doctor.audit.step_rows import RIGHT, SCALES, Draw, Row, batches_of, drawn, rows_of, units
from nelbo.doctor.audit.wrong_kl import TERMS
from nelbo.doctor.finding import Finding
from nelbo.errors import BadValue

EXACT = 1e-3  # relative misfit below which the step's own noise counts as drawn again
AVERAGED = 0.1
LARGE = 0.2  # relative standard error above which a weight counts as unknown
NOTHING = 0.01  # beta below which a KL that leaves no trace is absent
WRONG = 1e-4  # the same for a term that may be any combination of a KL's pieces
DRAWS = 24
Kind = Literal["closed", "sampled", "wrong"]
Way = tuple[Noise, str]
SINGLE: tuple[Way, ...] = (
    *((noise, scale) for noise in NOISES for scale in SCALES),
    (NO_NOISE, RIGHT),
)
STACKED: tuple[Way, ...] = tuple((noise, RIGHT) for noise in SEVERAL)
LAWS: tuple[tuple[float, Reduction], ...] = (
    (1.0, "sum"),
    (0.5, "mean"),
    (2.0, "sum_times_batch"),
)


@dataclass(frozen=True)
class StepFit:
    """What explains the losses of a step.

    Attributes:
        reconstruction: the reconstruction term; its features are not known.
        kl: the KL term; its latents are not known.
        latent: number of latents.
        exact: whether the step's own noise could be drawn again.
        residual: relative misfit.
        batches: number of losses.
        findings: what is wrong with the sampling.
    """

    reconstruction: FoundReconstruction
    kl: FoundKL
    latent: int
    exact: bool
    residual: float
    batches: int
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Explanation:
    """A formula, a noise and a scale, with how well they explain the losses."""

    candidate: Candidate
    fit: Fit
    noise: Noise | None = None
    scale: str = RIGHT
    kl: Kind = "closed"

    @property
    def errors(self) -> tuple[float, ...]:
        """One standard error of each weight, relative."""
        pairs = zip(self.fit.errors, self.fit.coefficients, strict=True)
        return tuple(abs(error / weight) if weight else math.inf for error, weight in pairs)


def explain(model: Model, x: Tensor, output: str) -> StepFit:
    """Return what explains the losses of a step on many batches made of x."""
    rows = rows_of(model, batches_of(x), seeds=2)
    best = _exact(model, rows)
    exact, bound = best.fit.residual < EXACT, EXACT
    if not exact:
        rows = rows_of(model, batches_of(x), seeds=DRAWS)
        best, bound = _averaged(model, rows)
    latent, residual = model.posterior(x)[0].shape[1], best.fit.residual
    lowest = Fields(x).of("mean")[0]
    if residual > bound:
        nothing = FoundReconstruction(NONE, lowest, output, residual=residual, error=math.inf)
        kl = FoundKL(KL(None, None, None, None), None, False, residual, error=math.inf)
        return StepFit(nothing, kl, latent, False, residual, len(rows), (_unexplained(residual),))
    laws = _batch_laws(model, x, best) if exact else (None, None)
    weight, error = best.fit.coefficients[0], best.errors[0]
    reconstruction = FoundReconstruction(
        term=Reconstruction(best.candidate.family, laws[0], None, None),
        lowest=lowest,
        output=output,
        weight=weight if error < LARGE and best.candidate.family != "unknown" else None,
        remark=best.candidate.remark,
        residual=residual,
        class_axis=best.candidate.class_axis,
        error=error,
        compared=best.candidate.compared,
    )
    kl = _found_kl(best, laws[1])
    if kl.term.form == "absent" and exact and _stirs(model, x, best):
        kl = replace(kl, term=KL(None, None, None, None))
    return StepFit(reconstruction, kl, latent, exact, residual, len(rows), _sampling(best))


def _found_kl(best: Explanation, batch: Reduction | None) -> FoundKL:
    """Return the KL term, as far as its trace in the losses goes."""
    residual = best.fit.residual
    if best.kl == "wrong":
        return FoundKL(KL("wrong", batch, None, None), None, False, residual)
    (other, weight), error = best.fit.coefficients, best.errors[1]
    form: Form | None = "mc" if best.kl == "sampled" else "closed"
    if error > LARGE:
        form = "absent" if best.fit.errors[1] < NOTHING * abs(other) else None
        return FoundKL(KL(form, None, None, None), None, False, residual, error=error)
    return FoundKL(KL(form, batch, None, None), weight, False, residual, error=error)


def _stirs(model: Model, x: Tensor, best: Explanation) -> bool:
    """Return whether more than the reconstruction shows far outside the data's range.

    Free bits hide a KL that is small on all data.
    """
    assert best.noise is not None
    low = float(x.min())
    try:
        rows = rows_of(model, [low + wide * (x - low) for wide in (3.0, 10.0, 30.0)], seeds=2)
        draws = [drawn(model, row, best.noise, best.scale) for row in rows]
    except (LossRaised, BadValue):
        return False
    unit = best.fit.coefficients[0] * units(best.candidate, rows, draws)
    losses = np.array([row.loss for row in rows])
    return bool(np.any(np.abs(losses - unit - best.fit.intercept) > 1e-5 * np.abs(losses)))


def _exact(model: Model, rows: list[Row]) -> Explanation:
    """Return the best explanation that takes a draw of noise for the step's own."""
    best = _closest(model, rows, SINGLE)
    if best.fit.residual < EXACT:
        return best
    return min(best, _closest(model, rows, STACKED), key=lambda found: found.fit.residual)


def _closest(model: Model, rows: list[Row], ways: Sequence[Way]) -> Explanation:
    """Return the best explanation by these ways of drawing z, or the first that is exact."""
    found: list[Explanation] = []
    for noise, scale in ways:
        draws = [drawn(model, row, noise, scale) for row in rows]
        found += _explanations(rows, draws, noise, scale)
        if _best(found, wrong=False).fit.residual < WRONG:
            break
    right, wrong = _best(found, wrong=False), _best(found, wrong=True)
    exact = right.fit.residual < WRONG
    return (
        wrong if not exact and wrong.fit.residual < min(WRONG, 0.1 * right.fit.residual) else right
    )


def _best(found: list[Explanation], wrong: bool) -> Explanation:
    return min((f for f in found if (f.kl == "wrong") == wrong), key=lambda f: f.fit.residual)


def _explanations(
    rows: list[Row], draws: list[Draw], noise: Noise, scale: str
) -> list[Explanation]:
    losses = np.array([row.loss for row in rows])
    found = []
    for candidate in _fitting(rows, draws):
        unit = units(candidate, rows, draws)
        for kl, columns in _kl_columns(draws).items():
            found.append(Explanation(candidate, fit(losses, unit, *columns), noise, scale, kl))
    return found


def _kl_columns(draws: list[Draw]) -> dict[Kind, list[np.ndarray]]:
    """Return what each kind of KL term may add to the losses: of a wrong one, its pieces."""
    pieces = ("mu^2", "exp(logvar)", "logvar", "exp(2 logvar)", "exp(logvar/2)")
    return {
        "closed": [np.array([draw.kl for draw in draws])],
        "sampled": [np.array([draw.sampled_kl for draw in draws])],
        "wrong": [
            np.array([float(TERMS[name](draw.mu, draw.logvar).sum()) for draw in draws])
            for name in pieces
        ],
    }


def _averaged(model: Model, rows: list[Row]) -> tuple[Explanation, float]:
    """Return the best explanation of losses averaged over seeds, and how well it has to fit."""
    draws = [drawn(model, row, NOISES[0], RIGHT) for row in rows]
    batches = np.unique([id(row.x) for row in rows], return_inverse=True)[1]
    counts = np.bincount(batches)

    def mean(values: np.ndarray) -> np.ndarray:
        return np.bincount(batches, values) / counts

    each = np.array([row.loss for row in rows])
    losses, kls = mean(each), mean(np.array([draw.kl for draw in draws]))
    found = [
        Explanation(candidate, fit(losses, mean(units(candidate, rows, draws)), kls))
        for candidate in _fitting(rows, draws)
    ]
    noise = np.sqrt(np.mean((mean(each**2) - losses**2).clip(0) / counts))
    bound = min(AVERAGED, 4 * float(noise / max(np.std(losses), 1e-300)))
    return min(found, key=lambda explanation: explanation.fit.residual), max(EXACT, bound)


def _fitting(rows: list[Row], draws: list[Draw]) -> list[Candidate]:
    x = rows[0].x
    known = candidates(x, 2 if isinstance(draws[0].recons[0], tuple) else 1)
    if x.min() >= 0 and x.max() <= 1:
        return known
    return known + [c.rescaled(*by) for c in known if c.family in IN_DATA for by in USUAL]


def _batch_laws(
    model: Model, x: Tensor, best: Explanation
) -> tuple[Reduction | None, Reduction | None]:
    """Return the reductions over the examples, from the weights at twice as many."""
    assert best.noise is not None
    try:
        rows = rows_of(model, [torch.cat([b, b]) for b in batches_of(x)], seeds=1)
        draws = [drawn(model, row, best.noise, best.scale) for row in rows]
    except (LossRaised, BadValue):
        return None, None
    losses = np.array([row.loss for row in rows])
    columns = _kl_columns(draws)[best.kl]
    twice = fit(losses, units(best.candidate, rows, draws), *columns).coefficients
    ratios = [
        large / small if small else math.nan
        for large, small in zip(twice, best.fit.coefficients, strict=True)
    ]
    return _law(ratios[0]), _law(ratios[1])


def _law(ratio: float) -> Reduction | None:
    return next((name for known, name in LAWS if abs(ratio / known - 1) < 0.05), None)


def _unexplained(residual: float) -> Finding:
    cause = "No reconstruction that nelbo knows, with the KL, explains the losses of this step."
    fix = "Audit the loss itself, nelbo.audit(loss, x), which also finds what is wrong in a KL."
    return Finding("unexplained", "warning", cause, {"misfit": residual}, fix)


def _sampling(best: Explanation) -> tuple[Finding, ...]:
    if best.noise is NO_NOISE:
        cause = "The step decodes mu itself, without noise: no latent is sampled."
        fix = "z = mu + torch.randn_like(mu) * (0.5 * logvar).exp()"
        return (Finding("not_sampled", "error", cause, {"misfit": best.fit.residual}, fix),)
    if best.scale == RIGHT:
        return ()
    cause = (
        f"The step samples with a standard deviation of {best.scale}, while its KL takes "
        "exp(logvar) for the variance: the two disagree about the posterior."
    )
    fix = "z = mu + torch.randn_like(mu) * (0.5 * logvar).exp()"
    return (Finding("sampling_scale", "error", cause, {"misfit": best.fit.residual}, fix),)
