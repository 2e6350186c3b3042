"""`diagnose`: what became of a trained VAE, and why."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from typing import Any

import torch
from torch import Tensor, nn

from nelbo.data import Examples, Indexed, Raw, Source, as_source
from nelbo.doctor.diagnose.adapt import Adapter
from nelbo.doctor.diagnose.audited import audited
from nelbo.doctor.diagnose.broken import broken
from nelbo.doctor.diagnose.case import Case, Diagnosable, foretold, look
from nelbo.doctor.diagnose.measure import measure
from nelbo.doctor.diagnose.results import Diagnosis
from nelbo.doctor.diagnose.rules import CAUSES, SYMPTOMS
from nelbo.doctor.finding import Finding, healthy, ranked
from nelbo.doctor.forecast import Forecast, moments
from nelbo.doctor.kept import evaluation_mode, generators_kept, weights_kept
from nelbo.errors import BadType, BadValue
from nelbo.evaluate.base import batches, data_of
from nelbo.rng import seeded


def diagnose(model: Any, data: Any, *, examples: int = 2000, seed: int = 0) -> Diagnosis:
    """Say what became of a trained VAE, nelbo's own or anybody's, and why.

    Every finding has a cause, the measured evidence and one fix; causes stand before what they
    bring about. Nothing about the model is changed.

    Args:
        model: a `nelbo.VAE`, or what `nelbo.adapt` returns.
        data: whatever `nelbo.fit` takes, in the units and the shape that the model was trained on.
        examples: how many of them are looked at, evenly spaced (of a stream the first).
        seed: of the latents drawn; the caller's generators stay as they were.

    Raises:
        TypeError: not a model.
        ValueError: data that is not finite or of another shape, or functions that do not return
            what they should.

    Example:
        >>> import torch, nelbo
        >>> model = nelbo.VAE(data_shape=(4,), latent=2)
        >>> found = diagnose(model, torch.rand(200, 4).round())
        >>> found.measures["active_units"].unit
        'of 2 latents'
    """
    _check(model, examples)
    with _as_it_was(model), seeded(seed), torch.no_grad():
        source = _some(as_source(data), examples)
        _check_shape(model, source)
        _check_missing(model, source)
        sick = broken(model, source)
        if sick:
            return Diagnosis(sick, {}, None, None, False)
        if isinstance(model, Adapter):
            model = model.calibrated(source)
        case = _case(model, source, seed)
        findings = ranked(_found(case))
    return Diagnosis(findings, case.measures, case.audit, _forecast(case), healthy(findings))


@contextmanager
def _as_it_was(model: Any) -> Iterator[None]:
    """Run the block with the model in evaluation mode, then put back whatever it changed."""
    roots = (model,) if isinstance(model, nn.Module) else ()
    modules = model.every_module if isinstance(model, Adapter) else roots
    with generators_kept(), weights_kept(modules), evaluation_mode(*modules):
        yield


def _check(model: Any, examples: Any) -> None:
    if not isinstance(model, Diagnosable):
        raise BadType(
            "model",
            expected="a nelbo.VAE, or what nelbo.adapt returns",
            got=type(model).__name__,
            fix="Wrap it: nelbo.adapt(encode=..., decode=...).",
        )
    if not isinstance(examples, int) or isinstance(examples, bool) or examples < 2:
        expected, fix = "an integer of at least 2", "Try 2000."
        raise BadValue("examples", expected=expected, got=examples, fix=fix)


def _check_shape(model: Any, source: Source) -> None:
    shape = getattr(model, "example_shape", getattr(model, "data_shape", source.shape))
    if tuple(source.shape) != tuple(shape):
        raise BadValue(
            "data",
            expected=f"examples of shape {list(shape)}, as the model has them",
            got=f"{list(source.shape)}",
            fix=f"Reshape it: x.reshape(-1, *{tuple(shape)}).",
        )


def _check_missing(model: Any, source: Examples) -> None:
    """Refuse missing entries where the model does not say that it takes them."""
    inputs: Any = getattr(model, "inputs", None)
    missing = float(source[:].isnan().double().mean())
    if missing and not getattr(inputs, "missing", False):
        raise BadValue(
            "data",
            expected="finite values",
            got=f"NaN in {100 * missing:.3g} % of the entries",
            fix="Fill them in, or diagnose a model with missing=True.",
        )


def _some(source: Source, examples: int) -> Examples:
    """Return some of the data, in memory, as the model sees it, in random order."""
    if isinstance(source, Indexed):
        x = source.spread(examples)[:]
    else:
        left, kept = examples, list[Tensor]()
        for batch in islice(source.epoch(min(examples, 500)), examples):
            kept.append(batch[:left].cpu())
            left -= len(kept[-1])
            if left == 0:
                break
        x = torch.cat(kept)
    if len(x) < 2:
        fix = "Pass more of the data; about 2000 give a clear picture."
        raise BadValue("data", expected="at least 2 examples", got=len(x), fix=fix)
    # the first of them stand for all, wherever fewer will do: data is often sorted
    return Examples(x[torch.randperm(len(x))], transform=Raw())


def _case(model: Any, source: Examples, seed: int) -> Case:
    x, mu, recon, encoding, decoding = look(model, source)
    data = _data(model, source)
    found = moments(data)
    return Case(
        model=model,
        adapter=model if isinstance(model, Adapter) else None,
        x=x,
        mu=mu,
        recon=recon,
        encoding=encoding,
        decoding=decoding,
        moments=found,
        measures=measure(model, source, data, found, seed),
        audit=audited(model, source, mu.shape[1], decoding),
    )


def _data(model: Any, source: Examples) -> Examples:
    """Return the examples without covariates, what is missing as reconstructed."""
    inputs: Any = getattr(model, "inputs", None)
    if inputs is None or not (inputs.covariates or inputs.missing):
        return source
    with torch.no_grad():
        parts = [data_of(model, x, model.reconstruct(x)).cpu() for x in batches(model, source, 500)]
    return Examples(torch.cat(parts), transform=Raw())


def _found(case: Case) -> Iterator[Finding]:
    """Yield what was found, the causes first."""
    causes = _come_true(case)
    heard = {finding.code for finding in causes}
    for rule in CAUSES:
        causes += [finding for finding in rule(case) if finding.code not in heard]
    yield from causes
    case = replace(case, explained=not healthy(causes))
    for rule in SYMPTOMS:
        yield from rule(case)


def _come_true(case: Case) -> list[Finding]:
    """Return what the audit found; what it only feared of a loss is an error after a collapse."""
    if case.audit is None:
        return []
    foreseen = case.audit.forecast is not None and case.audit.forecast.verdict != "learns"
    if not (case.collapsed and foreseen):
        return list(case.audit.findings)
    return [
        replace(found, severity="error") if found.severity == "warning" else found
        for found in case.audit.findings
    ]


def _forecast(case: Case) -> Forecast | None:
    if case.audit is not None:
        return case.audit.forecast
    if case.likelihood is None or not case.has_density:  # it is one of the ELBO
        return None
    beta = case.adapter.beta if case.adapter is not None else None
    weight = float(beta) if isinstance(beta, int | float) and beta > 0 else 1.0
    return foretold(case, case.likelihood, weight)
