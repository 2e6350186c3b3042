"""The live display: epoch, images per second, both terms in nats, time left."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from nelbo.train.callbacks.base import Callback


class ProgressDisplay(Callback):
    """A bar on a terminal, plain lines elsewhere; an epoch leaves one line behind.

    Args:
        console: where to write; standard error by default.
    """

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(stderr=True)
        self._bar: Progress | None = None

    def on_start(self, beliefs: Mapping[str, str], examples: int | None, epochs: int) -> None:
        """Print what the run believes."""
        width = max(map(len, beliefs))
        for name, belief in beliefs.items():
            self.console.print(f"[bold]{name:<{width}}[/bold]  {belief}", highlight=False)
        self._examples, self._epochs, self._shown = examples, epochs, 0.0
        if self.console.is_terminal:
            self._bar = Progress(
                TextColumn("epoch {task.fields[epoch]}/{task.fields[epochs]}"),
                BarColumn(bar_width=24),
                TextColumn("{task.fields[terms]}"),
                TimeRemainingColumn(compact=True),
                TextColumn("left"),
                console=self.console,
                transient=True,
            )
            total = None if examples is None else examples * epochs
            self._task = self._bar.add_task("", total=total, epoch=1, epochs=epochs, terms="")
            self._bar.start()

    def on_step(self, epoch: int, examples: int, means: Callable[[], Mapping[str, float]]) -> None:
        """Move the bar, ten times a second at most."""
        now = time.perf_counter()
        if self._bar is None or now - self._shown < 0.1:
            return
        self._shown = now
        done = examples + (epoch - 1) * (self._examples or 0)
        self._bar.update(self._task, completed=done, epoch=epoch, terms=_terms(means()))

    def on_epoch(self, metrics: Mapping[str, float]) -> None:
        """Leave one line behind."""
        line = (
            f"epoch {metrics['epoch']:>{len(str(self._epochs))}}/{self._epochs}  {_terms(metrics)}"
        )
        if "valid_elbo" in metrics:
            line += f", validation elbo {metrics['valid_elbo']:.2f}"
        self.console.print(line, highlight=False)

    def on_end(self, message: str) -> None:
        """Take the bar away and say how the run ended."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
        if message:
            self.console.print(message, highlight=False)


def _terms(means: Mapping[str, float]) -> str:
    terms = f"reconstruction {means['reconstruction']:.2f}, kl {means['kl']:.2f} nats"
    return f"{terms}, {means['images_per_second']:,.0f} images/s"
