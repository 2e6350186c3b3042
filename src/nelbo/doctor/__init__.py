"""The doctor: what a loss says, what it will do to data, and what became of a trained VAE."""

from nelbo.doctor.audit import KL, Audit, Reconstruction, audit, audit_step
from nelbo.doctor.finding import Finding
from nelbo.doctor.forecast import Forecast, Moments, forecast, moments

__all__ = [
    "KL",
    "Audit",
    "Finding",
    "Forecast",
    "Moments",
    "Reconstruction",
    "audit",
    "audit_step",
    "forecast",
    "moments",
]
