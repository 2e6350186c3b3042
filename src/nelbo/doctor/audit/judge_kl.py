"""What is the matter with the KL term."""

from __future__ import annotations

from collections.abc import Iterator

from nelbo.doctor.audit.evidence import Evidence
from nelbo.doctor.audit.threshold import FREE_BITS
from nelbo.doctor.finding import Finding
from nelbo.doctor.forecast import Forecast

MEANT = "No change is needed if that is meant."
CLOSED = "kl = -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum(1)"


def kl(e: Evidence, foreseen: Forecast | None) -> Iterator[Finding]:
    """Judge whether there is a KL, with its sign, its formula and its gradient."""
    term, weight = e.kl.term, e.kl.weight
    if e.kl.detached:
        cause = "The KL has a value but no gradient: it was detached, and training never sees it."
        fix = "Remove .detach(), .item() or no_grad() around it."
        yield Finding("kl_detached", "error", cause, {"gradient": 0.0}, fix)
    elif term.form == "absent" and e.reach.get("mu") != "none":
        cause = "There is no KL: this is an autoencoder, whose latents follow no prior."
        yield Finding("kl_absent", "error", cause, {"change of the loss": 0.0}, f"Add {CLOSED}.")
    elif term.form == "wrong":
        yield _wrong(e)
    elif halves := [n for n in ("mu", "logvar") if e.reach.get(n) == "zero"]:
        cause = f"The KL has a value but no gradient in {halves[0]}: a part of it was detached."
        fix = "Remove .detach(), .data or no_grad() around it."
        yield Finding("kl_partly_detached", "error", cause, {"gradient": 0.0}, fix)
    elif weight is not None and weight < 0 and not (e.reconstruction.weight or 0) < 0:
        cause = "The sign of the KL is flipped: it drives the posteriors away from the prior."
        fix = "Add the KL: it is positive, and -0.5 * (1 + ...) has its minus already."
        yield Finding("kl_flipped", "error", cause, {"weight of the KL": weight}, fix)


def _wrong(e: Evidence) -> Finding:
    mistake = e.kl.mistake
    if mistake is None:
        cause = (
            "What depends on mu and logvar is not proportional to KL(N(mu, e^logvar) || N(0, 1))."
        )
        if e.kl.uneven:
            cause = "The KL does not weigh all examples and latents alike: some hardly count."
        seen: dict[str, float | int | str] = {"misfit": e.kl.residual}
        return Finding("kl_wrong", "error", cause, seen, f"Use {CLOSED}.")
    where = (
        "it has no minimum in the variance"
        if mistake.argmin is None
        else f"it is smallest at logvar = {mistake.argmin:g} instead of 0"
        if abs(mistake.argmin) > 0.005
        else "its pull on mu and on the variance is not the KL's"
    )
    cause = f"The KL is wrong: {mistake.what}; {where}."
    seen = {"formula per latent, up to a factor": str(mistake), "misfit of the KL": e.kl.residual}
    if mistake.argmin is not None:
        seen["logvar at the minimum"] = mistake.argmin
    return Finding("kl_wrong", "error", cause, seen, f"Use {CLOSED}.")


def remarks(e: Evidence, foreseen: Forecast | None) -> Iterator[Finding]:
    """Say what is worth knowing of a KL that is right."""
    form, threshold = e.kl.term.form, e.kl.threshold
    if form == "mc":
        cause = "The KL is estimated at one draw of z: noisy, and sometimes negative, but unbiased."
        yield Finding(
            "kl_sampled", "info", cause, {}, f"Where q is Gaussian, {CLOSED} has no noise."
        )
    elif e.kl.sampled:
        cause = "Two calls at the same point differ: the loss draws random numbers."
        yield Finding("sampled", "info", cause, {}, MEANT)
    if threshold is not None and form is not None:
        level = f" per {threshold.level}" if threshold.level else ""
        nats = f"{threshold.nats:.3g} nats{level}"
        cause, fix = (
            (
                f"Free bits: below {nats} the KL has no gradient, so no collapse is stable.",
                MEANT,
            )
            if form == FREE_BITS
            else (
                f"A capacity: below {nats} the KL is pushed up, not down.",
                "Report the ELBO at beta = 1 beside this objective.",
            )
        )
        yield Finding(form, "info", cause, {"threshold in nats": threshold.nats}, fix)
    if form == "extra":
        what = "" if e.kl.mistake is None else f": {e.kl.mistake.what}"
        cause = f"There is another regulariser besides the KL{what}."
        yield Finding("extra_regulariser", "info", cause, {"misfit": e.kl.residual}, "Name it.")
