"""The weight of the two terms against each other, and the sizes written into a loss."""

from __future__ import annotations

from collections.abc import Iterator

from nelbo.doctor.audit.evidence import Evidence
from nelbo.doctor.audit.judge_kl import MEANT
from nelbo.doctor.finding import Finding, Severity
from nelbo.doctor.forecast import Forecast

Found = Iterator[Finding]
WHOLE = 0.9  # beta of a likelihood below which a mean over latents has diluted the KL
SMALL = 0.05  # beta of a likelihood below which the prior is hardly felt
UNPAID = 0.5  # nats per example that are too few for one active latent
WORTH = 10.0  # nats that a model of a few latents has
FAINT = 1e-3  # implied variance over the data's own, likewise


def scale(e: Evidence, foreseen: Forecast | None) -> Found:
    """Judge the implied variance, scale or beta."""
    if foreseen is None and _unpayable(e):
        yield _unpaid(e)
        return
    weight = e.beta
    if weight is None or weight <= 0:
        return
    numbers = _numbers(e, foreseen)
    severity = _severity(e, foreseen)
    if severity is not None:
        code, how, fix = _too_large(e)
        yield Finding(code, severity, f"{how} {_consequence(e, foreseen)}", numbers, fix)
    elif _too_small(e):
        yield _small(e)
    elif e.family in ("squared_error", "absolute_error"):
        yield Finding("implied_scale", "info", _meaning(e), numbers, MEANT)


def _unpayable(e: Evidence) -> bool:
    penalised = e.kl.term.form in ("closed", "mc", "extra")
    return penalised and e.earned is not None and e.earned < UNPAID


def _unpaid(e: Evidence) -> Finding:
    """Return what follows where even perfect reconstructions would not pay for a KL."""
    assert e.earned is not None
    code, how, fix = _too_large(e)
    cause = (
        f"{how} Even perfect reconstructions save no more than {e.earned:.3g} nats' worth against "
        "the mean example, so the latents can never carry more: the best it can do is to ignore "
        "the input, and every output will be the same."
    )
    if e.family == "unknown":
        fix = f"Divide the KL's weight by {WORTH / e.earned:.2g} or more, or use a likelihood."
    seen = {**_numbers(e, None), "largest KL it can pay for, nats per example": e.earned}
    return Finding(code, "error", cause, seen, fix)


def sizes(e: Evidence, foreseen: Forecast | None) -> Found:
    """Judge what the loss does with batches and data of another size."""
    batches = e.reconstruction.term.batch, e.kl.term.batch
    if not e.short:
        cause = (
            f"The loss fails on a batch of {e.batch - 1}: the batch size {e.batch} is written in."
        )
        fix = "Use x.shape[0] (or drop the short last batch of an epoch)."
        yield Finding("hard_coded_batch", "warning", cause, {"batch size": e.batch}, fix)
    elif None not in batches and batches[0] != batches[1]:
        yield _depends_on_batch(e)
    if e.reconstruction.fixed_features:
        cause = f"The number of features, {e.features}, is written into the loss."
        fix = "Use x.flatten(1) and x.shape."
        yield Finding("hard_coded_features", "info", cause, {"features": e.features}, fix)
    if e.reconstruction.mixed:
        laws = ", ".join(f"axis {a}: {law}" for a, law in e.reconstruction.mixed.items())
        cause = f"Not all features are reduced alike: {laws}."
        fix = "Sum over all of them: x.flatten(1) first."
        yield Finding("mixed_reduction", "info", cause, {"reductions": laws}, fix)


def _depends_on_batch(e: Evidence) -> Finding:
    ours, theirs = e.reconstruction.term.batch, e.kl.term.batch
    cause = (
        f"The reconstruction is a {ours} over the batch and the KL a {theirs}".replace("_", " ")
        + ": their weights against each other change with the batch size, also in the short last "
        "batch of an epoch."
    )
    seen: dict[str, float | int | str] = {"batch size": e.batch}
    if e.beta is not None:
        seen[f"weight at {e.batch}"] = e.beta
        half = e.batch // 2
        powers = {"sum": 0, "mean": -1, "sum_times_batch": 1}
        power = powers[str(theirs)] - powers[str(ours)]
        seen[f"weight at {half}"] = e.beta * (half / e.batch) ** power
    fix = "Reduce both alike: sum over features and latents, then mean over the examples."
    return Finding("batch_dependent", "warning", cause, seen, fix)


def _numbers(e: Evidence, foreseen: Forecast | None) -> dict[str, float | int | str]:
    numbers: dict[str, float | int | str] = {"features": e.features, "latents": e.latent}
    if e.sigma2 is not None:
        numbers["implied variance sigma^2"] = e.sigma2
    elif e.laplace_scale is not None:
        numbers["implied Laplace scale"] = e.laplace_scale
    elif e.beta is not None:
        numbers["beta"] = e.beta
    if foreseen is not None:
        numbers["margin"] = foreseen.margin
        if foreseen.critical_variance is not None:
            numbers["largest eigenvalue of the data's covariance"] = foreseen.critical_variance
    return numbers


def _severity(e: Evidence, foreseen: Forecast | None) -> Severity | None:
    """Return how bad a large weight is; None where it is not too large."""
    if foreseen is not None:
        return {"collapses": "error", "marginal": "warning"}.get(foreseen.verdict)  # type: ignore[return-value]
    if e.laplace_scale is not None and e.laplace_scale > e.high - e.low:
        return "warning"
    return None


def _meaning(e: Evidence) -> str:
    if e.sigma2 is not None:
        return f"This squared error is a Gaussian decoder with noise of variance {e.sigma2:.4g}."
    if e.laplace_scale is not None:
        return (
            f"This absolute error is a Laplace decoder with noise of scale {e.laplace_scale:.4g}."
        )
    return f"The KL is weighed by beta = {e.beta:.4g}."


def _consequence(e: Evidence, foreseen: Forecast | None) -> str:
    if foreseen is None:
        return f"{_meaning(e)} That is wider than the whole range of the data."
    within = foreseen.critical_variance
    nothing = (
        f"and nothing in this data varies by more than {within:.3g}"
        if e.sigma2 is not None and within is not None
        else f"and learning needs beta below {foreseen.critical_beta:.3g}"
    )
    end = (
        "the best it can do is to ignore the input, and every output will be the same"
        if foreseen.verdict == "collapses"
        else "it will learn very slowly, if at all"
    )
    return f"{_meaning(e).removesuffix('.')}, {nothing}: {end}."


def _too_large(e: Evidence) -> tuple[str, str, str]:
    """Return code, cause and fix of a weight that is too large, by what made it so."""
    r, k = e.reconstruction.term, e.kl.term
    alone = "Sum it over the features, then take the mean over the examples."
    both = "Sum both over features and latents, then take the mean over the examples."
    if e.family == "squared_error":
        line = "recon = ((x - recon)**2).flatten(1).sum(1).mean()"
        alone, both = f"Sum over the features: {line}.", f"Sum both: {line}."
    averaged = e.averaged
    stray = k.batch == "sum_times_batch" or (r.batch == "mean" and k.batch == "sum")
    if averaged and stray and (k.constant is None or abs(k.constant) * e.batch > 1):
        how = (
            f"The reconstruction is averaged over {e.batch} examples and {e.features} features, "
            "the KL summed over both."
        )
        return "pixels_averaged", how, both
    if averaged:
        how = f"The reconstruction is averaged over {e.features} features, the KL is not."
        if k.latents == "mean":
            how = f"The reconstruction is averaged over {e.features} features."
        return "pixels_averaged", how, alone
    if stray:
        how = f"The KL is summed over the {e.batch} examples, the reconstruction averaged."
        if k.batch == "sum_times_batch":
            how = f"The KL is counted once more for each of the {e.batch} examples."
        return "kl_batch_summed", how, "Average the KL over the examples as well: kl.mean()."
    bound = "below the largest eigenvalue" if e.sigma2 is not None else "to 1"
    return "beta_too_large", "The KL's weight is too large.", f"Bring it {bound}, or learn sigma."


def _too_small(e: Evidence) -> bool:
    assert e.beta is not None
    if e.sigma2 is not None:
        return e.sigma2 < FAINT * float(e.x.var(0, correction=0).mean())
    over_latents = e.kl.term.latents == "mean" and e.reconstruction.term.features != "mean"
    diluted = over_latents and e.beta < WHOLE and e.latent > 1
    return e.beta < SMALL or diluted


def _small(e: Evidence) -> Finding:
    k = e.kl.term
    numbers = _numbers(e, None)
    tail = "the prior is hardly felt, and samples from it will not look like the data."
    if (k.latents == "mean" and e.reconstruction.term.features != "mean") or (
        k.batch == "mean" and e.reconstruction.term.batch == "sum"
    ):
        over = [f"{e.latent} latents"] if k.latents == "mean" else []
        over += [f"{e.batch} examples"] if e.reconstruction.term.batch == "sum" else []
        cause = f"The KL is averaged over {' and '.join(over)}, the reconstruction summed: {tail}"
        fix = "Sum the KL over the latents, and reduce both terms alike over the examples."
        return Finding("kl_averaged", "warning", cause, numbers, fix)
    cause = f"{_meaning(e).removesuffix('.')}: {tail}"
    fix = "Raise the KL's weight to 1, or do not sample from the prior."
    return Finding("beta_too_small", "warning", cause, numbers, fix)
