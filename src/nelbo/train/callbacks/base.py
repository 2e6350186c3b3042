"""What a callback may do: watch a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import Tensor

from nelbo.objectives import Objective
from nelbo.terms import Terms


class Callback:
    """Methods that the loop calls; each does nothing unless overridden."""

    def on_start(self, beliefs: Mapping[str, str], examples: int | None, epochs: int) -> None:
        """Before the first step: what the run believes, by name, and how long it will be."""

    def on_step(self, epoch: int, examples: int, means: Callable[[], Mapping[str, float]]) -> None:
        """After a step: examples done in this epoch; `means()` gives the epoch's means so far."""

    def on_terms(
        self, step: int, terms: Callable[[], Terms], loss: Tensor, objective: Objective
    ) -> None:
        """After a step, counted from 0: its forward pass, loss, and objective at that step.

        Gradients are off, the weights are already the next. `terms()` gives the forward pass; where
        the step was compiled it is made anew, with other noise and those weights. Calling it, or
        reading a number off a tensor, costs time: do it seldom.
        """

    def on_note(self, message: str) -> None:
        """When the run has something to say: why it takes longer, or goes another way."""

    def on_epoch(self, metrics: Mapping[str, float]) -> None:
        """After an epoch: its line of `metrics.jsonl`."""

    def on_end(self, message: str) -> None:
        """When the run ends, also when it is interrupted or fails."""
