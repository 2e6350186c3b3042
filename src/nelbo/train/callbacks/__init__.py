"""Callbacks of the training loop, one a file."""

from nelbo.train.callbacks.base import Callback
from nelbo.train.callbacks.progress import ProgressDisplay
from nelbo.train.callbacks.watch import Watch

__all__ = ["Callback", "ProgressDisplay", "Watch"]
