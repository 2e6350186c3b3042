"""Estimators, one a file; each returns numbers with a unit and a standard error."""

from nelbo.evaluate.estimate import Estimate

__all__ = ["Estimate"]
