"""Priors p(z): one a file."""

from nelbo.priors.base import Prior
from nelbo.priors.standard import Standard

__all__ = ["Prior", "Standard"]
