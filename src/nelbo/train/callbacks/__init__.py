"""Callbacks of the training loop, one a file."""

from nelbo.train.callbacks.base import Callback
from nelbo.train.callbacks.progress import ProgressDisplay

__all__ = ["Callback", "ProgressDisplay"]
