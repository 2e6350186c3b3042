"""What the weight of the KL did, where it is known."""

from __future__ import annotations

from collections.abc import Iterator

from nelbo.doctor.diagnose.case import Case, foretold
from nelbo.doctor.finding import Finding

# A rising weight counts as arrived within a twentieth of where it goes.
ARRIVED = 0.95
PROBES = 997  # a prime: cycles of round numbers are met at every phase


def weight(case: Case) -> Iterator[Finding]:
    """Find a warm-up that had not ended, and a beta under which nothing can be learnt."""
    adapter = case.adapter
    if adapter is None or adapter.beta is None:
        return
    now = adapter.beta
    if callable(now):
        if adapter.steps is None:
            return
        steps, schedule = adapter.steps, now
        # the largest weight that ever comes, of which a cyclical schedule has seen its cycles
        later = max(float(schedule(steps * k)) for k in (2, 5, 10, 100))
        now = max(float(schedule(step)) for step in _looked_at(steps))
        if now < ARRIVED * later:
            yield _unfinished(now, later, steps)
            return
    yield from _too_large(case, float(now))


def _looked_at(steps: int) -> Iterator[int]:
    """Yield steps of the training, the last of them and enough to meet a cycle's peak."""
    yield from range(0, steps, max(1, steps // PROBES))
    yield steps


def _unfinished(now: float, later: float, steps: int) -> Finding:
    return Finding(
        "warmup_unfinished",
        "error",
        f"The warm-up of the KL never ended: after all {steps} steps its weight was {now:.3g} and "
        f"was still to rise to {later:.3g} or more, so the model was not trained on its objective.",
        {"largest beta reached": now, "beta to come": later, "steps": steps},
        f"Let the warm-up end within {max(1, steps // 2)} steps, or train longer.",
    )


def _too_large(case: Case, beta: float) -> Iterator[Finding]:
    if not case.collapsed or case.likelihood is None or not beta > 1:
        return
    found = foretold(case, case.likelihood, beta)
    if found is not None and found.margin < 1:
        yield Finding(
            "beta_too_large",
            "error",
            f"With a weight of {beta:g} on the KL this data is not worth a latent: the most that "
            f"one can gain is {found.margin:.2g} of what it costs.",
            {"beta": beta, "margin": found.margin, "largest beta that learns": beta * found.margin},
            f"Take beta below {beta * found.margin:.3g}; 1 is the ELBO.",
        )
