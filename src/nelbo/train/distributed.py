"""The step of several processes: each goes through its rows, and all have the gradient of all."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from inspect import signature
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from nelbo.errors import BadValue
from nelbo.model import VAE
from nelbo.objectives import Objective
from nelbo.rng import seeded
from nelbo.terms import Terms
from nelbo.train.adam import Adam
from nelbo.train.state import SUMS, whole
from nelbo.train.step import Outcome, Step
from nelbo.world import World

SELDOM = 16  # steps between two looks at the news, where a look makes the accelerator wait


# grad (1/n) sum_r sum_{i in r} loss_i = (size/n) * mean_r grad sum_{i in r} loss_i
class Distributed(Step):
    """Forward and backward on this process's rows; the gradients are those of the whole batch.

    Each process goes back from the sum over its rows, possibly none; the mean over the processes,
    times their number, divided by the rows of all, is the gradient of the mean over the batch,
    however the rows fall. The sum of the losses, the number of rows and the wish to stop travel
    in the same all-reduce, as the gradient of three numbers that are always 0: no step waits for
    a second one.

    What couples the examples of a batch (batch normalisation, the optimal sigma of
    `Gaussian(sigma="optimal")`, free bits, total correlations, covariances and discrepancies of
    latents, the controllers of GECO and ControlVAE) sees the rows of its own process; running
    means are averaged over the processes when an epoch ends.

    Source: Li et al. 2020, PyTorch Distributed: experiences on accelerating data parallel training.

    Args:
        model: whose parameters.
        precision: of the networks' arithmetic.
        world: the processes.
    """

    def __init__(
        self,
        model: VAE,
        precision: torch.dtype,
        world: World,
        learning: nn.Module | None = None,
    ) -> None:
        super().__init__(model, precision, learning)
        self.world = world
        self._together: nn.Module | None = None
        self._asked: Callable[[], bool] = bool
        self._steps, self._heard = 0, False

    def prepare(self, x: Tensor, objective: Objective) -> bool:
        """Connect the parameters, once."""
        if self._together is not None:
            return False
        self._loss = self._module(self._idle(x, objective))
        self._together = self._connected()
        return True

    def __call__(self, x: Tensor, objective: Objective) -> Outcome:
        """Go forward and backward; see `Step`."""
        assert self._together is not None
        total, sums, terms = self._together(x, objective, self._asked())
        self._clear()
        total.backward()
        loss, rows, stop = self._news()
        self._scale(self.world.size / rows)
        self._listen(stop)
        return Outcome(loss / rows, sums, terms)

    def agree(self, stopped: Callable[[], bool]) -> Callable[[], bool]:
        """Return whether any process was asked to stop: after the same step on all of them."""
        self._asked = stopped
        return lambda: self._heard

    @torch.no_grad()
    def settle(self) -> None:
        """Average the running means that modules keep; numbers that count take their largest."""
        buffers = list(self.modules.buffers())
        everyone = self.world.gather([[b.cpu() for b in buffers]])
        for buffer, *values in zip(buffers, *everyone, strict=True):
            many = torch.stack(values)
            if bool((many == many[0]).all()):
                continue  # a mean of equal numbers may be rounded
            buffer.copy_(many.mean(0) if many.is_floating_point() else many.amax(0))

    def _module(self, idle: list[nn.Parameter]) -> Loss:
        return Loss(self, idle)

    def _connected(self) -> nn.Module:
        device = self._loss.news.device
        ids = [device.index] if device.type == "cuda" else None
        # buffers go their own ways within an epoch: no step waits for them
        known = signature(DistributedDataParallel.__init__).parameters
        name = "forward_sync_buffers" if "forward_sync_buffers" in known else "broadcast_buffers"
        options: dict[str, Any] = {name: False, "gradient_as_bucket_view": True}
        return DistributedDataParallel(self._loss, device_ids=ids, **options)

    def _clear(self) -> None:
        self._loss.zero_grad()

    def _scale(self, factor: Tensor) -> None:
        gradients = [p.grad for p in self.parameters if p.grad is not None]
        torch._foreach_mul_(gradients, factor)

    def _news(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return the sum of the losses, the rows, and how many want to stop, of all processes."""
        assert self._loss.news.grad is not None
        mean = whole(self._loss.news.grad)
        loss, rows, stop = (mean * self.world.size).unbind()
        return loss, rows.round(), stop

    def _listen(self, stop: Tensor) -> None:
        """Look whether anybody wants to stop; on an accelerator seldom, on all at the same step."""
        self._steps += 1
        self._sum = stop if self._steps % SELDOM == 1 else self._sum + stop
        if stop.device.type == "cpu" or self._steps % SELDOM == 0:
            self._heard = self._sum.item() > 0

    def _idle(self, x: Tensor, objective: Objective) -> list[nn.Parameter]:
        """Return the parameters that no loss depends on: to be waited for, they need a gradient."""
        named = {n: p for n, p in self.modules.named_parameters() if p.requires_grad}
        unused: set[str] = set()
        if len(x):
            buffers = [b.clone() for b in self.modules.buffers()]
            with seeded(0):
                super().__call__(x, objective)
            unused = {name for name, p in named.items() if p.grad is None}
            self.modules.zero_grad()
            for buffer, value in zip(self.modules.buffers(), buffers, strict=True):
                buffer.data.copy_(value)
        found = set().union(*self.world.gather([unused]))
        return [p for name, p in named.items() if name in found]


def together(
    model: VAE,
    precision: torch.dtype,
    world: World,
    optimizer: Adam,
    learning: nn.Module | None = None,
) -> Distributed:
    """Return the step of several processes: what is large is sharded where the launcher says so."""
    if os.environ.get("ACCELERATE_USE_FSDP", "false").lower() != "true":
        return Distributed(model, precision, world, learning)
    if learning is not None:
        raise BadValue(
            "objective",
            expected="one that learns nothing itself, where the model is sharded",
            got=type(learning).__name__,
            fix="Launch without --use_fsdp: every process then has the whole model.",
        )
    from nelbo.train.sharded import Sharded

    return Sharded(model, precision, world, optimizer)


class Loss(nn.Module):
    """The sum of the losses of some rows, as a module whose call is what processes share.

    Args:
        step: gives loss, sums and terms of a batch.
        idle: parameters on which they do not depend.
    """

    def __init__(self, step: Step, idle: list[nn.Parameter]) -> None:
        super().__init__()
        self.model, self._forward, self._idle = step.model, step.forward, idle
        self.learning = step.modules[1:]
        like = next(step.model.parameters())
        # in full precision: it counts
        precise = like.dtype if like.dtype == torch.float64 else torch.float32
        self.news = nn.Parameter(torch.zeros(3, dtype=precise, device=like.device))

    def forward(
        self, x: Tensor, objective: Objective, stop: bool
    ) -> tuple[Tensor, Tensor, Callable[[], Terms]]:
        """Return the sum of the losses, with the news; the sums of an `Outcome`; the terms."""
        total, sums, terms = (self.rows if len(x) else self.none)(x, objective)
        counts = self.news.new_tensor([len(x), stop])
        told = torch.cat([total.detach().to(counts)[None], counts])
        return total + (self.news * told).sum() + self._nothing(self._idle), sums, terms

    def rows(self, x: Tensor, objective: Objective) -> tuple[Tensor, Tensor, Callable[[], Terms]]:
        """Return the sum of their losses, the sums of an `Outcome`, and the terms."""
        loss, sums, terms = self._forward(x, objective)
        return loss * len(x), sums, terms

    def none(self, x: Tensor, objective: Objective) -> tuple[Tensor, Tensor, Callable[[], Terms]]:
        """Take part without rows: 0, and a gradient of 0 for every parameter."""
        every = [*self.model.parameters(), *self.learning.parameters()]
        total = self._nothing([p for p in every if p.requires_grad])
        return total, total.new_zeros(len(SUMS)), partial(self.model.terms, x)

    def _nothing(self, parameters: list[nn.Parameter]) -> Tensor:
        """Return 0, of which every one of the parameters has a gradient of 0."""
        return sum(((0 * p).sum() for p in parameters), start=self.news.new_zeros(()))
