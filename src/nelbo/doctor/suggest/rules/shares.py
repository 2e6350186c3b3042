"""Real numbers in [0, 1]."""

from __future__ import annotations

from nelbo.doctor.suggest.evidence import Evidence
from nelbo.doctor.suggest.families import BETA, CONTINUOUS, SHARES, Family, built, fitted, ranked
from nelbo.doctor.suggest.rules.base import Proposal, Rule, kept, ranking


def _applies(e: Evidence) -> bool:
    return e.lowest >= 0 and e.highest <= 1


def _propose(e: Evidence) -> Proposal:
    x = e.values
    bics = fitted(SHARES, x, levels=2)
    found = ranking(ranked(bics, x.numel()), bics, x.numel())
    edges = float(((x == 0) | (x == 1)).double().mean())
    transform, why = kept(e)
    likelihood = built(found.texts[0])
    assert likelihood is not None
    return Proposal(
        kind="real values in [0, 1]",
        likelihood=likelihood,
        because=_because(found.families[0], edges),
        shown={
            "smallest": e.lowest,
            "largest": e.highest,
            "exactly_0_or_1": edges,
            "mean_deviation": float(e.deviation[e.varying].mean()),
        },
        transform=transform,
        why_transform=why,
        alternatives=found.alternatives(transform),
    )


def _because(best: Family, edges: float) -> str:
    if best is BETA:
        return "Every value lies strictly between 0 and 1, and a beta distribution fits best."
    if best is CONTINUOUS:
        share = f", {edges:.0%} of them at an edge" if edges else ""
        return f"Every value lies in [0, 1]{share}, and this density is one on [0, 1]."
    return (
        "Every value lies in [0, 1], yet they are too close together for a family of densities "
        "on [0, 1]: a learned sigma follows them."
    )


RULE = Rule(_applies, _propose)
