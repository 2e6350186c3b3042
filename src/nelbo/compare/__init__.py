"""The question's losses side by side: trained, measured, explained."""

from nelbo.compare.compare import compare
from nelbo.compare.losses import Loss, losses
from nelbo.compare.results import Comparison, Identity, Refused, Row
from nelbo.compare.settings import Settings

__all__ = ["Comparison", "Identity", "Loss", "Refused", "Row", "Settings", "compare", "losses"]
