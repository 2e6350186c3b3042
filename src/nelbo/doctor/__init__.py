"""The doctor: what a loss says, what it will do to data, and what became of a trained VAE."""

from nelbo.doctor.audit import KL, Audit, Reconstruction, audit, audit_step
from nelbo.doctor.diagnose import Adapter, Diagnosis, adapt, diagnose
from nelbo.doctor.finding import Finding
from nelbo.doctor.forecast import Forecast, Moments, forecast, moments
from nelbo.doctor.monitor import Monitor
from nelbo.doctor.nan_report import nan_report
from nelbo.doctor.suggest import Suggestion, suggest

__all__ = [
    "KL",
    "Adapter",
    "Audit",
    "Diagnosis",
    "Finding",
    "Forecast",
    "Moments",
    "Monitor",
    "Reconstruction",
    "Suggestion",
    "adapt",
    "audit",
    "audit_step",
    "diagnose",
    "forecast",
    "moments",
    "nan_report",
    "suggest",
]
