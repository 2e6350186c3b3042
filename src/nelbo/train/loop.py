"""The training loop, to be read from top to bottom."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from nelbo.data import Part, Source
from nelbo.errors import BadValue, Failed
from nelbo.evaluate import ELBO, evaluate
from nelbo.evaluate.share import shared
from nelbo.model import VAE
from nelbo.objectives import Objective
from nelbo.rng import generator, seeded
from nelbo.train.adam import Adam
from nelbo.train.callbacks import Callback
from nelbo.train.checkpoint import Tensors
from nelbo.train.failure import broken_weights, indices, mending, where_from
from nelbo.train.folder import RunFolder, join, split
from nelbo.train.interruption import Interrupted, interruption
from nelbo.train.periodic import Periodic
from nelbo.train.state import Meter, State, capture, restore, restore_random
from nelbo.train.step import Outcome, Step
from nelbo.world import World


@dataclass
class Loop:
    """Everything a run works with; `run` is the loop."""

    model: VAE
    train: Source
    valid: Source | None
    objective: Objective
    step: Step
    optimizer: Adam
    epochs: int
    batch: int
    clip: float | None
    patience: int | None
    seed: int
    folder: RunFolder | None
    callbacks: Sequence[Callback]
    world: World

    def __post_init__(self) -> None:
        self.like = next(self.model.parameters())
        nothing = nn.Module()
        self.learning = self.objective if isinstance(self.objective, nn.Module) else nothing
        self.state, self.meter = State(), Meter(self.like.device)
        self._random: Tensors | None = None
        self._best: Tensors | None = None
        self._periodic = Periodic(self.world)

    def resume(self) -> None:
        """Go on from the newest checkpoint of the folder."""
        assert self.folder is not None
        tensors, record = self.world.on_main(self.folder.newest)
        self._check_epochs(record.get("epoch", 0) + (record.get("batches", 0) > 0))
        self.state = restore(tensors, record, self.model, self.learning, self.optimizer, self.meter)
        self.meter.divide(self.state, self.world)
        self._random = tensors
        if self.patience is not None and self.state.best is not None:
            self._best = self.world.on_main(self.folder.best)
        # a kill between a checkpoint and its metrics left a line out
        self.world.on_main(partial(self.folder.write_metrics, self.state.history))

    def _check_epochs(self, begun: int) -> None:
        if self.epochs < begun:
            raise BadValue(
                "epochs",
                expected=f"at least the {begun} that the run has begun",
                got=self.epochs,
                fix="Ask for more, or start a new run in another folder.",
            )

    def run(self) -> None:
        """Train until the epochs are done, early stopping says so, or the user stops it."""
        with seeded(self.world.seed(self.seed)), interruption() as asked:
            stopped = self.step.agree(asked)
            self.model.train()
            self.learning.train()
            if self.state.step == 0:
                self.save()  # from here on the run can be resumed, wherever it is stopped
            while self.state.epoch < self.epochs and not self._exhausted():
                self._epoch(stopped)
            self._take_best()

    def _epoch(self, stopped: Callable[[], bool]) -> None:
        state, meter = self.state, self.meter
        order = generator(self.seed, state.epoch)
        batches = shared(self.train, self.world).epoch(self.batch, order, skip=state.batches)
        if self._random is not None:
            own = self.world.seed(self.seed, state.step)
            restore_random(self._random, self.like.device, self.world.rank, own)
            self._random = None
        meter.restart()
        for x in batches:
            self._step(x)
            if stopped():
                self._interrupt()
            if self.folder is not None and self._periodic.due(self.state.step):
                self._save_within()
        self._finish_epoch()
        if stopped():
            self._interrupt()

    def _step(self, x: Tensor) -> None:
        x = x.to(self.like, non_blocking=True)
        objective = self.objective.at(self.state.step)
        if self.step.prepare(x, objective):
            self.meter.restart()  # the wait is nobody's speed
        found = self.step(x, objective)
        if self.clip is not None:
            self.step.clip(self.clip)
        self._check(found)
        self.optimizer.update(found.loss)
        with torch.no_grad():
            for callback in self.callbacks:
                callback.on_terms(self.state.step, found.terms, found.loss, objective)
        self.state.step += 1
        self.state.batches += 1
        self.meter.add(self.state, len(x), found.sums)
        for callback in self.callbacks:
            done = self.state.examples * self.world.size
            callback.on_step(self.state.epoch + 1, done, self._means)

    def _means(self) -> dict[str, float]:
        return self.meter.means(self.state)

    def _check(self, found: Outcome) -> None:
        # on an accelerator a look at every loss would make each step wait: the epoch's mean will
        # do, for the optimiser leaves the weights alone where a loss is not finite
        if found.loss.device.type != "cpu" or math.isfinite(found.loss.item()):
            return
        origins = self.world.gather([self._origin(found)])
        origin = next((o for o in origins if o), "")
        self._check_finite("loss", found.loss.item(), self.state.step + 1, origin)

    def _origin(self, found: Outcome) -> str:
        """Return where a loss that is not finite came from, if it is among this process's rows."""
        if found.sums[-1].isfinite():
            return ""
        terms, part = found.terms(), Part(self.world.rank, self.world.size)
        batch = indices(self.train, self.batch, self.seed, self.state.epoch, self.state.batches)
        with self.step.autocast(terms.x):
            rows = part.take(torch.tensor(batch)).tolist()
            return where_from(self.model, terms, rows, self.optimizer.updates)

    def _check_weights(self) -> None:
        """Refuse weights that a finite loss with an infinite gradient left: never save them."""
        broken = broken_weights(self.model)
        if broken:
            count = sum(1 for _ in self.model.parameters())
            origin = f"; {len(broken)} of {count} parameters, the first {broken[0]}"
            # a step later the loss is not finite either, and no update is taken any more
            self._check_finite("set of weights", math.nan, self.optimizer.updates, origin)

    def _check_finite(self, what: str, value: float, step: int, origin: str = "") -> None:
        if math.isfinite(value):
            return
        saved = "" if self.folder is None else "; the last checkpoint is intact"
        raise Failed(
            f"training, epoch {self.state.epoch + 1}, step {step}",
            expected=f"a finite {what}",
            got=f"{value}{origin}",
            fix=f"{mending(self.model)}{saved}.",
        )

    def _finish_epoch(self) -> None:
        state = self.state
        self._settle()
        means = self._means()
        known = {name: value for name, value in means.items() if not math.isnan(value)}
        metrics = {"epoch": state.epoch + 1, **known, "seconds": state.seconds}
        metrics |= self._validate()
        state.history.append(metrics)
        state.epoch, state.batches, state.examples, state.seconds = state.epoch + 1, 0, 0, 0.0
        self.meter.sums.zero_()
        self.save()
        for callback in self.callbacks:
            callback.on_epoch(metrics)

    def _validate(self) -> dict[str, float]:
        if self.valid is None:
            return {}
        measured = self.objective.measured(self.model)
        found = evaluate(measured, self.valid, [ELBO()], self.seed, self.world)
        # a posterior without a density has no ELBO
        elbo = found["elbo" if "elbo" in found else "reconstruction"].value
        self._check_finite("validation ELBO", elbo, self.state.step)
        if self.state.best is None or elbo > self.state.best:
            self.state.best, self.state.stale = elbo, 0
            self._keep_best()
        else:
            self.state.stale += 1
        return {f"valid_{name}": estimate.value for name, estimate in found.items()}

    def _exhausted(self) -> bool:
        return self.patience is not None and self.state.stale >= self.patience

    def _keep_best(self) -> None:
        if self.patience is None:
            return
        groups = {"model": self.model.state_dict(), "objective": self.learning.state_dict()}
        self._best = {name: t.clone() for name, t in join(groups).items()}
        if self.folder is not None:
            record = {"epoch": self.state.epoch, "elbo": self.state.best}
            self.world.on_main(partial(self.folder.save_best, self._best, record))

    def _take_best(self) -> None:
        if self._best is not None:
            self.model.load_state_dict(split(self._best, "model"))
            self.learning.load_state_dict(split(self._best, "objective"))

    def save(self) -> None:
        """Write a checkpoint and the metrics, where there is a folder."""
        if self.folder is not None:
            tensors, record = capture(
                self.model, self.learning, self.optimizer, self.meter, self.state, self.world
            )
            self.world.on_main(partial(self._write, self.folder, tensors, record))
            self._periodic.saved()

    def _save_within(self) -> None:
        """Write a checkpoint within an epoch, and go on."""
        self._settle()
        self.save()
        self.meter.divide(self.state, self.world)
        self.meter.restart()

    def _settle(self) -> None:
        """Bring all up to date, to be saved, and refuse what is not finite."""
        state = self.state
        self.step.settle()
        self._check_weights()
        self.meter.pool(state, self.world)
        missed = f"; {state.step - self.optimizer.updates} of {state.batches} steps were not taken"
        every = "loss at every step of the epoch"
        self._check_finite(every, self._means()["loss"], state.step, missed)

    def _write(self, folder: RunFolder, tensors: Tensors, record: dict[str, Any]) -> None:
        folder.save(self.state.step, tensors, record)
        folder.write_metrics(self.state.history)

    def _interrupt(self) -> None:
        state = self.state
        where = f"Stopped after epoch {state.epoch}"
        if state.batches:
            self._settle()
            self.save()
            where = f"Stopped in epoch {state.epoch + 1}, after step {state.step}"
        if self.folder is None:
            raise Interrupted(f"{where}; without a folder (out=...) nothing was saved.")
        raise Interrupted(f"{where}; saved in {self.folder.path}.")
