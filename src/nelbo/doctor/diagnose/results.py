"""What a diagnosis returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from nelbo.doctor.audit.results import Audit
from nelbo.doctor.finding import Finding
from nelbo.doctor.forecast import Forecast
from nelbo.evaluate import Estimate


@dataclass(frozen=True)
class Diagnosis:
    """What became of a trained VAE, and why.

    Attributes:
        findings: by severity, the cause first.
        measures: every measured number by name, with its unit and number of examples.
        audit: of the loss, where the adapter has one.
        forecast: of the model's likelihood or loss on this data, where it can be foretold.
        ok: whether no finding is an error.
    """

    findings: tuple[Finding, ...]
    measures: Mapping[str, Estimate]
    audit: Audit | None
    forecast: Forecast | None
    ok: bool
