"""Posteriors q(z|x): one a file."""

from nelbo.posteriors.base import Posterior
from nelbo.posteriors.diagonal import Diagonal

__all__ = ["Diagonal", "Posterior"]
