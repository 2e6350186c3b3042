"""From evidence to findings: what is the matter, the cause first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from nelbo.doctor.audit import judge_kl, judge_scale
from nelbo.doctor.audit.evidence import NEAR, Evidence
from nelbo.doctor.audit.outlook import outlook
from nelbo.doctor.audit.results import Audit
from nelbo.doctor.finding import Finding, healthy, ranked
from nelbo.doctor.forecast import Forecast

Found = Iterator[Finding]


def judged(evidence: Evidence, data: Any) -> Audit:
    """Return the audit that the evidence makes; `data` is what the forecast is made of."""
    foreseen = outlook(evidence, data)
    findings = ranked(found for judge in JUDGES for found in judge(evidence, foreseen))
    return Audit(
        reconstruction=evidence.reconstruction.term,
        kl=evidence.kl.term,
        sigma2=evidence.sigma2,
        laplace_scale=evidence.laplace_scale,
        beta=evidence.beta,
        findings=findings,
        forecast=foreseen,
        ok=healthy(findings),
    )


def support(e: Evidence, foreseen: Forecast | None) -> Found:
    """Judge whether the data lies where the loss is defined."""
    span = {"smallest value": e.low, "largest value": e.high}
    advice = "Divide bytes by 255" if e.high > 2 else "Bring the data into [0, 1]"
    fix = f"{advice}, or use a Gaussian likelihood for real values."
    if e.outside:
        cause = (
            f"The data runs from {e.low:g} to {e.high:g}, and a Bernoulli's loss is no "
            "log-density outside [0, 1]: it is unbounded below, and can fall for ever."
        )
        yield Finding("data_outside_support", "error", cause, span, fix)
    elif e.rescaled:
        cause = f"The loss refuses this data, from {e.low:g} to {e.high:g}: {e.rescaled}."
        yield Finding("data_outside_support", "error", cause, span, fix)
    elif e.output == "prob" and (e.low < -NEAR or e.high > 1 + NEAR):
        cause = (
            f"Outputs in (0, 1) cannot reach data from {e.low:g} to {e.high:g}: what lies outside "
            "stays unexplained whatever is learned."
        )
        fix = "Bring the data into [0, 1], or drop the sigmoid at the decoder's end."
        yield Finding("range_mismatch", "error", cause, span, fix)


def squashing(e: Evidence, foreseen: Forecast | None) -> Found:
    """Judge whether the loss takes what the decoder gives."""
    if e.twice_squashed:
        cause = (
            "The loss takes logits and is given probabilities: a sigmoid is applied twice, so the "
            "modelled probabilities stay between 0.5 and 0.73."
        )
        fix = "Drop the decoder's sigmoid, or use F.binary_cross_entropy."
        yield Finding("double_sigmoid", "error", cause, {"misfit": e.reconstruction.residual}, fix)
    elif e.not_squashed:
        cause = "The loss takes probabilities and is given logits: its logarithms are not defined."
        fix = "Use F.binary_cross_entropy_with_logits, or end the decoder in a sigmoid."
        seen = {"share of finite values": e.reconstruction.stated}
        yield Finding("sigmoid_missing", "error", cause, seen, fix)
    elif e.output != e.reconstruction.output and e.reconstruction.present:
        cause = (
            "The loss takes probabilities, so the decoder's outputs must lie in (0, 1): "
            "unbounded ones give NaN or an error."
        )
        seen = {"share of finite values": e.reconstruction.stated}
        fix = "End the decoder in a sigmoid, and audit with output='prob'."
        yield Finding("sigmoid_needed", "warning", cause, seen, fix)


def reconstruction(e: Evidence, foreseen: Forecast | None) -> Found:
    """Judge whether there is a reconstruction term, with its sign and its gradient."""
    found, weight = e.reconstruction, e.reconstruction.weight
    if not found.present:
        cause = "The loss does not depend on the reconstruction."
        fix = "Add -log p(x|z), summed over the features."
        yield Finding("reconstruction_absent", "error", cause, {"change of the loss": 0.0}, fix)
    elif found.finite < 0.5:
        cause = "The loss is not finite at most reconstructions that a decoder may give."
        fix = "Call it at one batch and look which logarithm or division fails."
        seen = {"share of finite values": found.finite}
        yield Finding("not_finite", "error", cause, seen, fix)
    if found.blind and e.family != "linear_in_recon":
        cause = "The reconstruction term does not depend on the data."
        fix = "Compare recon with x: the arguments come as loss(x, recon, mu, logvar)."
        yield Finding("data_ignored", "error", cause, {"change of the loss": 0.0}, fix)
    if e.reach.get("recon") == "none":
        cause = "The loss has no gradient: it returns a plain number, not a tensor."
        fix = "Return the tensor; call .item() only to print it."
        yield Finding("no_gradient", "error", cause, {"gradient": "none"}, fix)
    elif e.reach.get("recon") == "zero":
        cause = "The reconstruction term has a value but no gradient: it was detached."
        fix = "Remove .detach(), .item() or no_grad() around it."
        yield Finding("reconstruction_detached", "error", cause, {"gradient": 0.0}, fix)
    if weight is not None and weight < 0 and e.family != "linear_in_recon":
        yield _flipped(e)


def _flipped(e: Evidence) -> Finding:
    seen = {"weight of the reconstruction": e.reconstruction.weight or 0.0}
    if e.kl.weight is not None and e.kl.weight < 0:
        cause = "The loss is the ELBO itself, and minimising it makes the model worse."
        seen["weight of the KL"] = e.kl.weight
        return Finding("elbo_not_negated", "error", cause, seen, "Minimise its negative: -elbo.")
    cause = "The sign of the reconstruction term is flipped: large errors are rewarded."
    return Finding("reconstruction_flipped", "error", cause, seen, "Change its sign.")


def likelihood(e: Evidence, foreseen: Forecast | None) -> Found:
    """Judge whether the reconstruction is a likelihood of this data."""
    family = e.family
    if family in ("bce_prob", "bce_logits") and e.grey and not e.outside and not e.rescaled:
        cause = (
            "Grey values are no outcomes of a Bernoulli: the loss has no normaliser for them, so "
            "its value compares with no other model's, and its optimum is blurred."
        )
        share = float(((e.x > 0) & (e.x < 1)).double().mean())
        fix = "Binarise the data, or use nelbo.likelihoods.ContinuousBernoulli()."
        yield Finding("grey_values", "warning", cause, {"share of grey values": share}, fix)
    if family == "unknown" and e.reconstruction.present:
        yield _unknown(e)
    if family == "linear_in_recon":
        cause = "The loss is linear in the reconstruction: it has no minimum, and is no likelihood."
        fix = "Use a negative log-likelihood, such as F.binary_cross_entropy."
        if e.reconstruction.remark == "swapped":
            cause += " It is a Bernoulli's with data and reconstruction swapped."
            fix = "Swap them: nelbo.audit(lambda x, r, m, v: loss(r, x, m, v), x), or in the loss."
        seen = {"misfit": e.reconstruction.residual}
        yield Finding("linear_in_recon", "error", cause, seen, fix)


SAID = {
    "norm": "The reconstruction term is the square root of each example's squared error: no "
    "log-density that is a sum over features, and its gradient does not shrink with the error.",
    "rmse": "The reconstruction term is the square root of a squared error over the whole batch: "
    "every example's weight depends on the others.",
    "smooth_l1": "The reconstruction term is a smooth L1 (Huber) loss: quadratic below 1, linear "
    "above, with no variance that says what it believes in.",
    "cosine": "The reconstruction term is a cosine similarity: it does not see the scale of an "
    "output.",
}


def _unknown(e: Evidence) -> Finding:
    plain = "The reconstruction term is none that nelbo knows, so its scale is not known either."
    fix = "Sum a negative log-likelihood over the features instead."
    seen = {"misfit of the nearest formula": e.reconstruction.residual}
    cause = SAID.get(e.reconstruction.remark, plain)
    return Finding("unknown_reconstruction", "info", cause, seen, fix)


def manners(e: Evidence, foreseen: Forecast | None) -> Found:
    """Judge what the loss does besides."""
    if e.call.changed:
        names = ", ".join(sorted(e.call.changed))
        cause = f"The loss changes its input in place: {names}."
        fix = "Work on copies: no operators such as += or functions such as clamp_ on arguments."
        yield Finding("changes_input", "warning", cause, {"arguments": names}, fix)
    if not e.additive:
        cause = "The two terms are not simply added: what one costs depends on the other."
        fix = "Add them, each in nats per example."
        yield Finding("terms_interact", "warning", cause, {}, fix)
    if "differs" in e.reach.values():
        names = ", ".join(name for name, reach in e.reach.items() if reach == "differs")
        cause = f"The gradient in {names} is not that of the value."
        fix = "Look for detach(), round() or a straight-through estimator: is it meant?"
        yield Finding("gradient_differs", "warning", cause, {"arguments": names}, fix)
    scale, shift = e.reconstruction.compared
    if (scale, shift) != (1.0, 0.0):
        formula = f"{scale:.4g} x" + (f" {shift:+.4g}" if shift else "")
        cause = f"The loss compares the reconstruction with {formula}, not with x itself."
        seen = {"scale": scale, "shift": shift}
        fix = "No change is needed if the decoder's outputs lie in that range."
        yield Finding("data_rescaled", "info", cause, seen, fix)
    if e.flat:
        cause = "The loss refuses examples in the shape of the data: it was given them flat."
        seen = {"shape": str(list(e.x.shape[1:]))}
        yield Finding("flattened", "info", cause, seen, judge_kl.MEANT)
    if e.call.container:
        cause = f"What was audited is {e.call.container}."
        yield Finding("container", "info", cause, {}, "Return the loss alone to be sure.")


Judge = Callable[[Evidence, Forecast | None], Found]
JUDGES: tuple[Judge, ...] = (
    support,
    squashing,
    reconstruction,
    judge_kl.kl,
    judge_scale.scale,
    judge_scale.sizes,
    likelihood,
    manners,
    judge_kl.remarks,
)
