"""The question's losses side by side: trained, measured, explained."""

from nelbo.compare.results import Comparison, Identity, Refused, Row

__all__ = ["Comparison", "Identity", "Refused", "Row"]
