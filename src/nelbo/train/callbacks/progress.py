"""The live display: epoch, examples per second, both terms in nats, time left."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column
from rich.text import Text

from nelbo.train.callbacks.base import Callback

WIDE = 100  # columns of a terminal in which a bar has room beside the numbers


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
            self._line(Text.assemble((f"{name:<{width}}", "bold"), f"  {belief}"))
        self._examples, self._epochs, self._shown = examples, epochs, None
        if self.console.is_terminal:
            self._bar = Progress(
                TextColumn("epoch {task.fields[epoch]}/{task.fields[epochs]}"),
                *([BarColumn(bar_width=None)] if self.console.width >= WIDE else []),
                TextColumn("{task.fields[terms]}"),
                TimeRemainingColumn(compact=True, table_column=Column(no_wrap=True)),
                TextColumn("left"),
                console=self.console,
                transient=True,
                expand=self.console.width >= WIDE,
            )
            total = None if examples is None else examples * epochs
            self._task = self._bar.add_task("", total=total, epoch=1, epochs=epochs, terms="")
            self._bar.start()

    def on_step(self, epoch: int, examples: int, means: Callable[[], Mapping[str, float]]) -> None:
        """Move the bar, ten times a second at most."""
        now = time.perf_counter()
        if self._bar is None or (self._shown is not None and now - self._shown < 0.1):
            return
        done = examples + (epoch - 1) * (self._examples or 0)
        if self._shown is None:  # what a resumed run did before says nothing of the time left
            self._bar.reset(self._task, completed=done)
        self._shown = now
        self._bar.update(self._task, completed=done, epoch=epoch, terms=_terms(means(), digits=1))

    def on_note(self, message: str) -> None:
        """Print it."""
        self._line(message)

    def on_epoch(self, metrics: Mapping[str, float]) -> None:
        """Leave one line behind."""
        line = (
            f"epoch {metrics['epoch']:>{len(str(self._epochs))}}/{self._epochs}  {_terms(metrics)}"
        )
        if "valid_elbo" in metrics:
            line += f", validation elbo {metrics['valid_elbo']:.2f}"
        self._line(line)

    def on_end(self, message: str) -> None:
        """Take the bar away and say how the run ended."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
        if message:
            self._line(message)

    def _line(self, line: Text | str) -> None:
        """Print one line as it is: nothing in it is markup, and files are not wrapped."""
        self.console.print(line, highlight=False, markup=False, soft_wrap=True)


def _terms(means: Mapping[str, float], digits: int = 2) -> str:
    reconstruction, kl = (f"{means[name]:.{digits}f}" for name in ("reconstruction", "kl"))
    terms = f"reconstruction {reconstruction}, kl {kl} nats"
    return f"{terms}, {means['images_per_second']:,.0f} examples/s"
