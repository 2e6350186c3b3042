"""The losses of a training step, explained by reconstructions and KLs on the same batches."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from nelbo.doctor.audit.calling import LossRaised
from nelbo.doctor.audit.families import Candidate, candidates
from nelbo.doctor.audit.fields import Fields
from nelbo.doctor.audit.kl import FoundKL
from nelbo.doctor.audit.reconstruction import NONE, FoundReconstruction
from nelbo.doctor.audit.regression import Fit, fit
from nelbo.doctor.audit.results import KL, Form, Reconstruction, Reduction
from nelbo.doctor.audit.step_model import NOISES, Model, Noise
from nelbo.doctor.audit.step_rows import RIGHT, SCALES, Draw, Row, batches_of, drawn, rows_of, units
from nelbo.doctor.finding import Finding
from nelbo.errors import BadValue

EXACT = 1e-3  # relative misfit below which the step's own noise counts as drawn again
AVERAGED = 0.1
LARGE = 0.2  # relative standard error above which a weight counts as unknown
NOTHING = 0.01  # beta below which a KL that leaves no trace is absent
DRAWS = 24
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
    sampled_kl: bool = False

    @property
    def errors(self) -> tuple[float, ...]:
        """One standard error of each weight, relative."""
        pairs = zip(self.fit.errors, self.fit.coefficients, strict=True)
        return tuple(abs(error / weight) if weight else math.inf for error, weight in pairs)


def explain(model: Model, x: Tensor, output: str) -> StepFit:
    """Return what explains the losses of a step on many batches made of x."""
    rows = rows_of(model, batches_of(x), seeds=2)
    best = _exact(model, rows)
    exact = best.fit.residual < EXACT
    if not exact:
        rows = rows_of(model, batches_of(x), seeds=DRAWS)
        best = _averaged(model, rows)
    latent, residual = rows[0].mu.shape[1], best.fit.residual
    lowest = Fields(x).of("mean")[0]
    if residual > (EXACT if exact else AVERAGED):
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
    )
    kl = _found_kl(best, laws[1])
    return StepFit(reconstruction, kl, latent, exact, residual, len(rows), _sampling(best))


def _found_kl(best: Explanation, batch: Reduction | None) -> FoundKL:
    """Return the KL term, as far as its trace in the losses goes."""
    (other, weight), error = best.fit.coefficients, best.errors[1]
    form: Form | None = "mc" if best.sampled_kl else "closed"
    if error > LARGE:
        form = "absent" if best.fit.errors[1] < NOTHING * abs(other) else None
        return FoundKL(KL(form, None, None, None), None, False, best.fit.residual, error=error)
    term = KL(form, batch, None, None)
    return FoundKL(term, weight, False, best.fit.residual, error=error)


def _exact(model: Model, rows: list[Row]) -> Explanation:
    """Return the best explanation that takes one draw of noise for the step's own."""
    losses, closed = np.array([row.loss for row in rows]), np.array([row.kl for row in rows])
    found = []
    for noise in NOISES:
        for scale in SCALES:
            draws = [drawn(model, row, noise, scale) for row in rows]
            sampled = np.array([draw.kl for draw in draws])
            for candidate in _fitting(rows, draws):
                unit = units(candidate, rows, draws)
                for kl, is_sampled in ((closed, False), (sampled, True)):
                    fitted = fit(losses, unit, kl)
                    found.append(Explanation(candidate, fitted, noise, scale, is_sampled))
    return min(found, key=lambda explanation: explanation.fit.residual)


def _averaged(model: Model, rows: list[Row]) -> Explanation:
    """Return the best explanation of losses averaged over the seeds of each batch."""
    draws = [drawn(model, row, NOISES[0], RIGHT) for row in rows]
    batches = np.unique([id(row.x) for row in rows], return_inverse=True)[1]

    def mean(values: np.ndarray) -> np.ndarray:
        return np.bincount(batches, values) / np.bincount(batches)

    losses = mean(np.array([row.loss for row in rows]))
    kls = mean(np.array([row.kl for row in rows]))
    found = [
        Explanation(candidate, fit(losses, mean(units(candidate, rows, draws)), kls))
        for candidate in _fitting(rows, draws)
    ]
    return min(found, key=lambda explanation: explanation.fit.residual)


def _fitting(rows: list[Row], draws: list[Draw]) -> list[Candidate]:
    return candidates(rows[0].x, 2 if isinstance(draws[0].recon, tuple) else 1)


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
    kls = np.array([
        draw.kl if best.sampled_kl else row.kl for row, draw in zip(rows, draws, strict=True)
    ])  # fmt: skip
    twice = fit(losses, units(best.candidate, rows, draws), kls).coefficients
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
    if best.scale == RIGHT:
        return ()
    cause = (
        f"The step samples with a standard deviation of {best.scale}, while its KL takes "
        "exp(logvar) for the variance: the two disagree about the posterior."
    )
    fix = "z = mu + torch.randn_like(mu) * (0.5 * logvar).exp()"
    return (Finding("sampling_scale", "error", cause, {"misfit": best.fit.residual}, fix),)
