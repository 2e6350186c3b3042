"""The chooser: likelihood, transform and latents for data, with reasons."""

from nelbo.doctor.suggest.result import Alternative, Reason, Suggestion
from nelbo.doctor.suggest.suggest import suggest

__all__ = ["Alternative", "Reason", "Suggestion", "suggest"]
