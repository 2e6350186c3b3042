"""`audit_step`: the audit of a loss that encodes, samples and decodes inside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from torch import Tensor

from nelbo.doctor.audit.audit import checked_data, checked_output
from nelbo.doctor.audit.calling import Call
from nelbo.doctor.audit.evidence import Evidence
from nelbo.doctor.audit.judge import judged
from nelbo.doctor.audit.results import Audit
from nelbo.doctor.audit.step_fit import StepFit, explain
from nelbo.doctor.audit.step_model import Model
from nelbo.doctor.finding import Finding, ranked
from nelbo.errors import BadType


def audit_step(
    step: Callable[[Any], Any],
    x: Any,
    *,
    encode: Callable[[Any], Any],
    decode: Callable[[Any], Any],
    output: str = "mean",
    data: Any = None,
) -> Audit:
    """Find out what a training step says, which encodes and samples inside.

    The step is called on many batches made of `x`, and its values are explained by what `encode`
    and `decode` give on the same batches. Where the step draws its noise from torch's or NumPy's
    own generator, the same noise is drawn here, and the weights come out to several digits;
    elsewhere they are averages with an error, which the finding `uncertainty` states. The network
    has its sizes, so the reductions over features and latents are not known: they are None.

    Args:
        step: `step(x)` -> one number: the loss of a batch.
        x: a batch of real data, [batch, *data_shape], as the step takes it.
        encode: `encode(x)` -> (mu, logvar), each [batch, latent].
        decode: `decode(z)` -> the reconstruction, in the shape of x.
        output: what `decode` gives: `"mean"`, `"prob"`, `"logits"` or `"mean+logvar"`.
        data: more data of the same kind, for the forecast; by default `x` itself.

    Raises:
        ValueError: one of the functions cannot be called so, or returns something else.
        TypeError: not functions, or x is no array.

    Example:
        >>> import torch, torch.nn.functional as F
        >>> w = 0.1 * torch.randn(50, 8, generator=torch.Generator().manual_seed(0))
        >>> def encode(x):
        ...     return (x @ w).chunk(2, dim=1)
        >>> def decode(z):
        ...     return z @ w.T[:4]
        >>> def step(x):
        ...     mu, logvar = encode(x)
        ...     z = mu + torch.randn_like(mu) * (logvar / 2).exp()
        ...     kl = -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum(1).mean()
        ...     return F.mse_loss(decode(z), x) + kl
        >>> x = torch.rand(100, 50, generator=torch.Generator().manual_seed(0))
        >>> report = audit_step(step, x, encode=encode, decode=decode)
        >>> round(report.sigma2, 2)
        25.0
    """
    for name, function in (("step", step), ("encode", encode), ("decode", decode)):
        if not callable(function):
            fix = "Pass the function itself."
            raise BadType(name, expected="a function", got=repr(function)[:60], fix=fix)
    checked_output(output)
    target = checked_data(x)
    model = Model(step, encode, decode, like=x)
    model.begin(target)
    found = explain(model, target, output)
    evidence = _evidence(model, target, output, found)
    own = data is None or found.reconstruction.compared != (1.0, 0.0)
    report = judged(evidence, evidence.x if own else data)
    said = (*found.findings, *report.findings, _uncertainty(found))
    findings = ranked(said)
    return replace(report, findings=findings, ok=all(f.severity != "error" for f in findings))


def _evidence(model: Model, x: Tensor, output: str, found: StepFit) -> Evidence:
    call = Call(model.step, like=x)
    call.kind = model.kind
    return Evidence(
        call=call,
        output=output,
        x=found.reconstruction.seen(x),
        latent=found.latent,
        reconstruction=found.reconstruction,
        kl=found.kl,
        reach={},
        rescaled="",
        short=len(x) < 2 or model.accepts(x[:-1]),
        additive=True,
    )


def _uncertainty(found: StepFit) -> Finding:
    how = (
        "the step's own noise could be drawn again"
        if found.exact
        else "the step's noise could not be drawn again, so losses were averaged"
    )
    cause = f"The weights were read off {found.batches} losses on batches made of x; {how}."
    seen = {
        "relative error of the reconstruction's weight": found.reconstruction.error,
        "relative error of the KL's weight": found.kl.error,
        "misfit": found.residual,
    }
    fix = "For more, audit the loss itself: nelbo.audit(loss, x)."
    return Finding("uncertainty", "info", cause, seen, fix)
