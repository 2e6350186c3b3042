"""The audit: what a loss really says, by probing alone."""

from nelbo.doctor.audit.audit import audit
from nelbo.doctor.audit.results import KL, Audit, Reconstruction
from nelbo.doctor.audit.step import audit_step

__all__ = ["KL", "Audit", "Reconstruction", "audit", "audit_step"]
