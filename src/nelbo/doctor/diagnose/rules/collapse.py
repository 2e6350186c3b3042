"""Collapse, with the likeliest cause where none was found."""

from __future__ import annotations

from collections.abc import Iterator

from nelbo.doctor.diagnose.case import Case, foretold
from nelbo.doctor.finding import Finding
from nelbo.doctor.forecast import Forecast

EVIDENCE = {
    "mutual_information": "mutual information of x and z, nats",
    "kl_per_latent": "KL, nats per example",
    "active_units": "active units",
    "collapsed_units": "latents equal to the prior",
    "explained_variance": "variance explained",
}

USUAL = "the others say nothing about x, and do no harm"
SILENCE = {
    "levels": "the others say nothing about x beyond the levels above them, and do no harm",
    "codes": "the others are the same for every x, and do no harm",
}
# how many latents there are is not what decides how many levels are used
ADVICE = {
    "levels": "Nothing has to be done. To have every level used, train with a warm-up of beta, "
    "nelbo.objectives.ELBO(beta=nelbo.objectives.Linear(steps=3000)), or with FreeBits.",
}


def collapse(case: Case) -> Iterator[Finding]:
    """Find a posterior that has collapsed; else count the latents that are not used."""
    if case.collapsed:
        yield _collapsed(case)
        return
    yield from _unused(case)


def _unused(case: Case) -> Iterator[Finding]:
    """Count what is not used: latents, or what they are parts of."""
    by_part = case.measures.get("active_parts")
    count = case.measures["active_units"] if by_part is None else by_part
    active, every = int(count.value), len(count.parts)
    if active >= every:
        return
    names = count.unit.split()[-1]
    enough = f"{active} {names}" if active > 1 else f"1 {names.removesuffix('s')}"
    fix = f"Nothing has to be done; {enough} would do as well."
    yield Finding(
        "unused_latents",
        "info",
        f"{active} of the {every} {names} {'is' if active == 1 else 'are'} used; "
        f"{SILENCE.get(names, USUAL)}.",
        {f"active {names if by_part else 'units'}": count.value, names: every},
        ADVICE.get(names, fix),
    )


def _collapsed(case: Case) -> Finding:
    because, fix = _because(case)
    measured = {text: case.value(name) for name, text in EVIDENCE.items() if name in case.measures}
    return Finding(
        "collapsed",
        "error",
        "The posterior has collapsed: every input is given about the same latents and the same "
        f"output. {because}",
        {**measured, "deviation of the outputs, of the data's": case.response},
        fix,
    )


def _because(case: Case) -> tuple[str, str]:
    """Return the likeliest cause and its fix."""
    if case.explained:
        return "It follows from what is said above.", "Mend that first, then train again."
    if not case.has_density:
        return (
            "There is no KL that could have brought it about: the training was too short, or its "
            "steps too large.",
            "Train for more epochs; if nothing changes, with a tenth of the learning rate.",
        )
    if case.audit is not None and (case.audit.forecast is None or case.audit.forecast.margin < 1):
        return (
            "The audit of its loss found no cause, and could not foretell this one.",
            "Lower the KL's weight tenfold and train again: if it learns, that was it.",
        )
    if case.audit is not None:
        return (
            "Its loss is one that learns from such data, so that the training was too short, or "
            "its steps too large.",
            "Train for more epochs; if nothing changes, with a tenth of the learning rate.",
        )
    likelihood = case.likelihood
    if likelihood is not None:
        return _forecast_of_stated(foretold(case, likelihood))
    largest = float(case.moments.spectrum()[0])
    features = case.features
    if largest < 0.5:
        return (
            f"Nothing in the data varies by more than {largest:.2g}; a squared error summed over "
            "the features believes in noise of variance 0.5, and ignores that.",
            "Learn the variance (nelbo.likelihoods.Gaussian()), or standardise the data.",
        )
    if largest < features / 2:
        return (
            f"The likeliest cause is a loss that is averaged over the features: a squared error "
            f"averaged over the {features} features (the mean over pixels) believes in noise of "
            f"variance {features / 2:g}, and nothing in the data varies by more than "
            f"{largest:.3g}.",
            "Sum over the features, then average over the batch: "
            "((x - recon) ** 2).flatten(1).sum(1).mean(). nelbo.adapt(loss=...) would tell.",
        )
    return (
        "The likeliest cause is a weight of the KL that is far too large.",
        "Pass loss=... to nelbo.adapt to have it audited.",
    )


def _forecast_of_stated(found: Forecast | None) -> tuple[str, str]:
    if found is None:
        return (
            "Its likelihood has no forecast: either the latents could not say what they cost, as "
            "where the decoder sees the features before each one, or the training was too short.",
            "Train with objective=nelbo.objectives.FreeBits(nats=0.5): a latent that says little "
            "then costs nothing.",
        )
    if found.margin < 1:
        return (
            f"Under its likelihood this data is not worth a latent: the margin is "
            f"{found.margin:.2g}, below 1.",
            "Learn the variance: nelbo.likelihoods.Gaussian().",
        )
    return (
        f"Its likelihood would learn from this data (margin {found.margin:.3g}), so that the "
        "weight of the KL was too large, or the training too short.",
        f"Train with beta = 1 and for more epochs; beta must be below {found.margin:.3g}.",
    )
