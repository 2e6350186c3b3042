"""The losses of a training step, explained by reconstructions and KLs on the same batches."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from nelbo.doctor.audit.calling import LossRaised
from nelbo.doctor.audit.families import Candidate, candidates
from nelbo.doctor.audit.fields import Fields, standard_kl
from nelbo.doctor.audit.kl import FoundKL
from nelbo.doctor.audit.reconstruction import FoundReconstruction
from nelbo.doctor.audit.regression import Fit, fit
from nelbo.doctor.audit.results import KL, Reconstruction, Reduction
from nelbo.doctor.audit.step_model import NOISES, Model, Noise
from nelbo.doctor.finding import Finding
from nelbo.errors import BadValue
from nelbo.rng import seeded

EXACT = 1e-3  # relative misfit below which the step's own noise counts as drawn again
AVERAGED = 0.1
LARGE = 0.2  # relative standard error above which a weight counts as unknown
NOTHING = 0.01  # beta below which a KL that leaves no trace is absent
DRAWS = 24

Scale = Callable[[Tensor], Tensor]
SCALES: dict[str, Scale] = {
    "exp(logvar / 2)": lambda logvar: (0.5 * logvar).exp(),
    "exp(logvar)": torch.exp,
    "logvar": lambda logvar: logvar,
}


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
class _Row:
    """One loss, with what the encoder says of its batch."""

    x: Tensor
    seed: int
    loss: float
    mu: Tensor
    logvar: Tensor


@dataclass(frozen=True)
class _Explanation:
    """A formula, a noise and a scale, with how well they explain the losses."""

    candidate: Candidate
    fit: Fit
    noise: Noise | None
    scale: str
    sampled_kl: bool


def explain(model: Model, x: Tensor, output: str) -> StepFit:
    """Return what explains the losses of a step on many batches made of x."""
    rows = _rows(model, batches_of(x), seeds=2)
    best = _best_exact(model, rows)
    exact = best.fit.residual < EXACT
    if not exact:
        rows = _rows(model, batches_of(x), seeds=DRAWS)
        best = _averaged(model, rows)
    latent = rows[0].mu.shape[1]
    known = best.fit.residual < (EXACT if exact else AVERAGED)
    if not known:
        return _unexplained(rows, latent, best.fit.residual, output)
    laws = _batch_laws(model, x, best, exact)
    a_r, a_k = best.fit.coefficients
    errors = [abs(e / c) if c else math.inf for e, c in zip(best.fit.errors, (a_r, a_k), strict=True)]
    certain = [error < LARGE for error in errors]
    fields = Fields(x).of("mean")
    reconstruction = FoundReconstruction(
        term=Reconstruction(best.candidate.family, laws[0], None, None),
        remark=best.candidate.remark,
        weight=a_r if certain[0] and best.candidate.family != "unknown" else None,
        residual=best.fit.residual,
        output=output,
        stated=1.0,
        finite=1.0,
        present=True,
        mixed={},
        fixed_features=False,
        lowest=fields[0],
        class_axis=best.candidate.class_axis,
        error=errors[0],
    )
    form = "mc" if best.sampled_kl else "closed" if certain[1] else None
    if abs(best.fit.errors[1]) < NOTHING * abs(a_r) and not certain[1]:
        form = "absent"
    kl = FoundKL(
        KL(form, laws[1] if certain[1] else None, None, None),
        a_k if certain[1] else None,
        False,
        best.fit.residual,
        error=errors[1],
    )
    found = _sampling(best)
    return StepFit(reconstruction, kl, latent, exact, best.fit.residual, len(rows), found)


def batches_of(x: Tensor) -> list[Tensor]:
    """Return batches in the range of the data that differ in what they cost."""
    fields = Fields(x, seed=5)
    turned = fields.low + fields.span * (1 - fields.unit)
    middle = x.mean(0, keepdim=True).expand_as(x)
    return [
        x,
        x.flip(tuple(range(1, x.dim()))),
        turned,
        fields.low + 0.5 * (x - fields.low),
        middle.contiguous(),
        fields.constant(fields.low),
        fields.constant(fields.low + fields.span),
        fields.low + fields.span * fields.uniform(),
        fields.low + fields.span * fields.uniform().round(),
        x[:1].expand_as(x).contiguous(),
        turned[-1:].expand_as(x).contiguous(),
        torch.where(fields.uniform() < 0.5, x, turned),
    ]


def _rows(model: Model, batches: list[Tensor], seeds: int) -> list[_Row]:
    rows = []
    for x in batches:
        mu, logvar = model.posterior(x)
        for seed in range(seeds):
            try:
                loss = model.loss(x, seed)
            except LossRaised:
                continue
            if math.isfinite(loss):
                rows.append(_Row(x, seed, loss, mu, logvar))
    if len(rows) < 6:
        fix = "Look for NaN in its weights, or for a range of data that it refuses."
        raise BadValue("step", expected="finite losses", got=f"{len(rows)} of them", fix=fix)
    return rows


def _best_exact(model: Model, rows: list[_Row]) -> _Explanation:
    """Return the best explanation that takes one draw of noise for the step's own."""
    losses = np.array([row.loss for row in rows])
    found = []
    for noise in NOISES:
        for name, scale in SCALES.items():
            draws = [_draw(model, row, noise, scale) for row in rows]
            closed = np.array([float(standard_kl(row.mu, row.logvar).sum()) for row in rows])
            sampled = np.array([kl for _, kl in draws])
            for candidate in _fitting(rows, draws):
                units = np.array([
                    float(candidate.total(row.x, recon)) for row, (recon, _) in zip(rows, draws, strict=True)
                ])  # fmt: skip
                for kl, is_sampled in ((closed, False), (sampled, True)):
                    fitted = fit(losses, units, kl)
                    found.append(_Explanation(candidate, fitted, noise, name, is_sampled))
    return min(found, key=lambda explanation: explanation.fit.residual)


def _fitting(rows: list[_Row], draws: list) -> list[Candidate]:
    recon = draws[0][0]
    return candidates(rows[0].x, 2 if isinstance(recon, tuple) else 1)


def _draw(model: Model, row: _Row, noise: Noise, scale: Scale) -> tuple:
    """Return the reconstruction and the sampled KL at the noise that the step may have drawn."""
    state = np.random.get_state()
    np.random.seed(row.seed)
    with seeded(row.seed):
        epsilon = noise.draw(tuple(row.mu.shape), model.dtype)
    np.random.set_state(state)
    z = row.mu + scale(row.logvar) * epsilon
    kl = 0.5 * (z**2 - epsilon**2 - row.logvar).sum()
    return model.reconstruction(z, row.x), float(kl)


def _averaged(model: Model, rows: list[_Row]) -> _Explanation:
    """Return the best explanation of losses averaged over the seeds of each batch."""
    groups: dict[int, list[_Row]] = {}
    for row in rows:
        groups.setdefault(id(row.x), []).append(row)
    grouped = list(groups.values())
    losses = np.array([np.mean([row.loss for row in group]) for group in grouped])
    kls = np.array([float(standard_kl(g[0].mu, g[0].logvar).sum()) for g in grouped])
    found = []
    scale = SCALES["exp(logvar / 2)"]
    draws = [[_draw(model, row, NOISES[0], scale) for row in group] for group in grouped]
    for candidate in _fitting(rows, draws[0]):
        units = np.array([
            np.mean([float(candidate.total(group[0].x, recon)) for recon, _ in drawn])
            for group, drawn in zip(grouped, draws, strict=True)
        ])  # fmt: skip
        fitted = fit(losses, units, kls)
        found.append(_Explanation(candidate, fitted, None, "exp(logvar / 2)", False))
    return min(found, key=lambda explanation: explanation.fit.residual)


def _batch_laws(
    model: Model, x: Tensor, best: _Explanation, exact: bool
) -> tuple[Reduction | None, Reduction | None]:
    """Return the reductions over the examples, from the weights at twice as many."""
    if not exact or best.noise is None:
        return None, None
    try:
        rows = _rows(model, [torch.cat([b, b]) for b in batches_of(x)], seeds=1)
        draws = [_draw(model, row, best.noise, SCALES[best.scale]) for row in rows]
    except (LossRaised, BadValue):
        return None, None
    losses = np.array([row.loss for row in rows])
    units = np.array([
        float(best.candidate.total(row.x, recon)) for row, (recon, _) in zip(rows, draws, strict=True)
    ])  # fmt: skip
    kls = np.array([
        kl if best.sampled_kl else float(standard_kl(row.mu, row.logvar).sum())
        for row, (_, kl) in zip(rows, draws, strict=True)
    ])  # fmt: skip
    twice = fit(losses, units, kls).coefficients
    laws: list[Reduction | None] = []
    for large, small in zip(twice, best.fit.coefficients, strict=True):
        ratio = large / small if small else math.nan
        names: tuple[tuple[float, Reduction], ...] = (
            (1.0, "sum"), (0.5, "mean"), (2.0, "sum_times_batch"),
        )  # fmt: skip
        laws.append(next((name for r, name in names if abs(ratio / r - 1) < 0.05), None))
    return laws[0], laws[1]


def _unexplained(rows: list[_Row], latent: int, residual: float, output: str) -> StepFit:
    fields = Fields(rows[0].x).of("mean")
    reconstruction = FoundReconstruction(
        Reconstruction("unknown", None, None, None), "", None, residual, output, 1.0, 1.0, True, {}, False,
        fields[0], error=math.inf,
    )  # fmt: skip
    kl = FoundKL(KL(None, None, None, None), None, False, residual, error=math.inf)
    cause = "No reconstruction that nelbo knows, with the KL, explains the losses of this step."
    fix = "Audit the loss itself, nelbo.audit(loss, x), which also finds what is wrong in a KL."
    finding = Finding("unexplained", "warning", cause, {"misfit": residual}, fix)
    return StepFit(reconstruction, kl, latent, False, residual, len(rows), (finding,))


def _sampling(best: _Explanation) -> tuple[Finding, ...]:
    if best.scale == "exp(logvar / 2)":
        return ()
    cause = (
        f"The step samples with a standard deviation of {best.scale}, while its KL takes "
        "exp(logvar) for the variance: the two disagree about the posterior."
    )
    fix = "z = mu + torch.randn_like(mu) * (0.5 * logvar).exp()"
    return (Finding("sampling_scale", "error", cause, {"misfit": best.fit.residual}, fix),)
