"""The losses of a training step, explained by reconstructions and KLs on the same batches."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from nelbo.doctor.audit.calling import LossRaised
from nelbo.doctor.audit.fields import Fields
from nelbo.doctor.audit.kl import FoundKL
from nelbo.doctor.audit.reconstruction import NONE, FoundReconstruction
from nelbo.doctor.audit.regression import fit
from nelbo.doctor.audit.results import KL, Form, Reconstruction, Reduction
from nelbo.doctor.audit.step_explain import (
    EXACT,
    Explanation,
    closest_exact,
    closest_on_average,
    kl_columns,
)
from nelbo.doctor.audit.step_model import NO_NOISE, Model
from nelbo.doctor.audit.step_rows import RIGHT, batches_of, drawn, rows_of, units
from nelbo.doctor.finding import Finding
from nelbo.errors import BadValue

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


def explain(model: Model, x: Tensor, output: str) -> StepFit:
    """Return what explains the losses of a step on many batches made of x."""
    rows = rows_of(model, batches_of(x), seeds=2)
    best = closest_exact(model, rows)
    exact, bound = best.fit.residual < EXACT, EXACT
    if not exact:
        rows = rows_of(model, batches_of(x), seeds=DRAWS)
        best, bound = closest_on_average(model, rows)
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
    columns = kl_columns(draws)[best.kl]
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
