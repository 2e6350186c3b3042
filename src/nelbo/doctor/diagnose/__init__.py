"""The diagnosis: what became of a trained VAE, anybody's, and why."""

from nelbo.doctor.diagnose.adapt import Adapter, adapt
from nelbo.doctor.diagnose.diagnose import diagnose
from nelbo.doctor.diagnose.results import Diagnosis

__all__ = ["Adapter", "Diagnosis", "adapt", "diagnose"]
