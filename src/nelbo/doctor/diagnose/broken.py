"""Numbers that are not finite, before anything else is measured."""

from __future__ import annotations

from typing import Any

import torch

from nelbo.data import Examples
from nelbo.doctor.diagnose.adapt import Adapter
from nelbo.doctor.diagnose.case import halves
from nelbo.doctor.finding import Finding
from nelbo.doctor.nan_report import NanReport, nan_report

PROBED = 500


def broken(model: Any, source: Examples) -> tuple[Finding, ...]:
    """Find the first tensor of the model that is not finite on the data."""
    x = source.spread(PROBED)[:]
    encode, decode, roots = halves(model)
    like = next((p for m in roots for p in m.parameters()), torch.zeros(()))
    given = x if isinstance(model, Adapter) else x.to(like)
    if getattr(getattr(model, "inputs", None), "missing", False):
        given = given.nan_to_num(0.0)  # what is missing is no fault
    report = nan_report(encode, given, modules=roots)
    if report is None:
        z = model.encode(given).mean
        with_x = isinstance(model, Adapter) and model.decodes_x
        report = nan_report(decode, *((z, given) if with_x else (z,)), modules=roots)
    return () if report is None else (_finding(report),)


def _finding(report: NanReport) -> Finding:
    trained = report.kind == "parameter"
    return Finding(
        "not_finite",
        "error",
        f"The model is not finite: {report.sentence}",
        {"tensor": report.tensor, "value": report.value, "share of its values": report.share},
        "The training ran away: lower the learning rate (a tenth), or clip the gradient at 100, "
        "and start again from weights that are finite."
        if trained
        else report.fix,
    )
