"""The loop in which a prior is fitted to latents, to be read from top to bottom."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import perf_counter

import torch
from torch import nn

from nelbo.errors import BadValue, Failed
from nelbo.train.adam import Adam
from nelbo.train.callbacks import Callback
from nelbo.train.latents import Drawn, Latents

HELD_OUT = 0.1


class PriorLoop:
    """Maximum likelihood of latents, with all of the model but the prior frozen.

    Args:
        latents: of the model that has the prior.
        epochs: passes over them.
        batch: latents a step.
        lr: Adam's first step size.
        callbacks: who is told of each epoch.

    Raises:
        ValueError: a prior without parameters.
    """

    def __init__(
        self, latents: Latents, epochs: int, batch: int, lr: float, callbacks: Sequence[Callback]
    ) -> None:
        self.model, self.prior = latents.model, latents.model.prior
        self.latents, self.epochs, self.batch = latents, epochs, batch
        self.lr, self.callbacks = lr, callbacks
        self.history: list[dict[str, float]] = []
        if not any(p.requires_grad for p in self.prior.parameters()):
            raise BadValue(
                f"prior {type(self.prior).__name__}",
                expected="one that learns",
                got="one without parameters",
                fix="For example mixture, or autoregressive_codes where latents are codes.",
            )

    def run(self) -> list[dict[str, float]]:
        """Fit, take the best weights, and return a line for each epoch; 0 is the start."""
        with _frozen_but(self.prior, self.model):
            drawn = self.latents.draw()
            kept = len(drawn) - int(max(1, HELD_OUT * len(drawn)))
            _check_some(kept)
            self._held_out, self._best = drawn.take(slice(kept, None)), -math.inf
            self.prior.start(self.latents.examples()[:kept], drawn.z[:kept])
            self._finish(0, {})
            self.optimizer = Adam(self.prior.parameters(), self.lr)
            for epoch in range(self.epochs):
                began = perf_counter()
                drawn = self.latents.draw() if epoch else drawn
                fitted = self._epoch(epoch, drawn.take(slice(kept)))
                self._finish(epoch + 1, {"log_pz": fitted, "seconds": perf_counter() - began})
            self.prior.load_state_dict(self._weights)
        return self.history

    def _epoch(self, epoch: int, drawn: Drawn) -> float:
        """Take the steps of an epoch; return the mean log p(z) on the way."""
        batches = torch.randperm(len(drawn)).split(self.batch)
        total = drawn.z.new_zeros(())
        for i, index in enumerate(batches):
            done = (epoch + i / len(batches)) / self.epochs
            for group in self.optimizer.param_groups:
                group["lr"] = 0.5 * self.lr * (1 + math.cos(math.pi * done))
            log_pz = drawn.take(index.to(drawn.z.device)).log_pz(self.model)
            self.optimizer.zero_grad()
            loss = -log_pz.mean()
            loss.backward()
            self.optimizer.update(loss.detach())
            total += log_pz.detach().sum()
        return total.item() / len(drawn)

    @torch.no_grad()
    def _finish(self, epoch: int, means: dict[str, float]) -> None:
        """Look at what was held out, keep the weights if they are the best, and say so."""
        rows = self._held_out.log_pz(self.model).double()
        found = rows.mean().item()
        for value in (*means.values(), found):
            if not math.isfinite(value):
                raise Failed(
                    f"fitting the prior, epoch {epoch}",
                    expected="a finite log p(z)",
                    got=value,
                    fix="Try a smaller step size, such as lr=1e-4.",
                )
        if found > self._best:
            self._best = found
            self._weights = {n: t.clone() for n, t in self.prior.state_dict().items()}
        self.history.append({"epoch": epoch, **means, "valid_log_pz": found})
        at = f"epoch {epoch}/{self.epochs}" if epoch else "at the start"
        own = f"{means['log_pz']:.2f}, " if means else ""
        for callback in self.callbacks:
            callback.on_note(f"{at}  log p(z) {own}held out {found:.2f} nats")


def _check_some(kept: int) -> None:
    if kept < 1:
        raise BadValue(
            "data",
            expected="at least 2 examples, one of which is held out",
            got=kept + 1,
            fix="Give what the model was trained on.",
        )


@contextmanager
def _frozen_but(prior: nn.Module, model: nn.Module) -> Iterator[None]:
    """Run the block with gradients for the prior alone, and leave none behind."""
    own = set(map(id, prior.parameters()))
    others = [p for p in model.parameters() if id(p) not in own and p.requires_grad]
    for p in others:
        p.requires_grad_(False)
    try:
        yield
    finally:
        for p in others:
            p.requires_grad_(True)
        model.zero_grad()
