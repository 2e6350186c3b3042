"""What explains the losses of a step: a formula, a noise and a KL."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from nelbo.doctor.audit.families import Candidate, candidates
from nelbo.doctor.audit.regression import Fit, fit
from nelbo.doctor.audit.rescaled import IN_DATA, USUAL
from nelbo.doctor.audit.step_model import NO_NOISE, NOISES, SEVERAL, Model, Noise
from nelbo.doctor.audit.step_rows import RIGHT, SCALES, Draw, Row, drawn, units
from nelbo.doctor.audit.wrong_kl import TERMS

EXACT = 1e-3  # relative misfit below which the step's own noise counts as drawn again
AVERAGED = 0.1
WRONG = 1e-4  # the same for a term that may be any combination of a KL's pieces
Kind = Literal["closed", "sampled", "wrong"]
Way = tuple[Noise, str]
USUAL_WAYS: tuple[Way, ...] = tuple((noise, RIGHT) for noise in NOISES)
OTHERS: tuple[Way, ...] = (
    *((noise, scale) for noise in NOISES for scale in SCALES if scale != RIGHT),
    (NO_NOISE, RIGHT),
)
STACKED: tuple[Way, ...] = tuple((noise, RIGHT) for noise in SEVERAL)


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


def closest_exact(model: Model, rows: list[Row]) -> Explanation:
    """Return the best explanation that takes a draw of noise for the step's own."""
    found, best = list[Explanation](), None
    for ways, enough in ((USUAL_WAYS, WRONG), (OTHERS, EXACT), (STACKED, EXACT)):
        for noise, scale in ways:
            draws = [drawn(model, row, noise, scale) for row in rows]
            found += _explanations(rows, draws, noise, scale)
        best = _closest(found)
        if best.fit.residual < enough:
            break
    assert best is not None
    return best


def _closest(found: list[Explanation]) -> Explanation:
    """Return the best explanation; one with a wrong KL only where no right one comes near."""
    right, wrong = _best(found, wrong=False), _best(found, wrong=True)
    exact = right.fit.residual < WRONG
    closer = wrong.fit.residual < min(WRONG, 0.1 * right.fit.residual)
    return wrong if closer and not exact else right


def _best(found: list[Explanation], wrong: bool) -> Explanation:
    return min((f for f in found if (f.kl == "wrong") == wrong), key=lambda f: f.fit.residual)


def _explanations(
    rows: list[Row], draws: list[Draw], noise: Noise, scale: str
) -> list[Explanation]:
    losses = np.array([row.loss for row in rows])
    found = []
    for candidate in _fitting(rows, draws):
        unit = units(candidate, rows, draws)
        for kl, columns in kl_columns(draws).items():
            found.append(Explanation(candidate, fit(losses, unit, *columns), noise, scale, kl))
    return found


def kl_columns(draws: list[Draw]) -> dict[Kind, list[np.ndarray]]:
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


def closest_on_average(model: Model, rows: list[Row]) -> tuple[Explanation, float]:
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
