"""Where a run stands, as tensors and a record that a checkpoint holds."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from nelbo.errors import BadValue
from nelbo.train.checkpoint import ONE_BEFORE, Tensors
from nelbo.train.folder import join, split
from nelbo.world import ALONE, World

SUMS = ("reconstruction", "kl", "elbo", "loss")


@dataclass
class State:
    """Counters, the sums of the epoch under way and the lines of the epochs before."""

    epoch: int = 0
    batches: int = 0
    step: int = 0
    examples: int = 0
    seconds: float = 0.0
    best: float | None = None
    stale: int = 0
    history: list[dict[str, float]] = field(default_factory=list)


class Meter:
    """Sums over the epoch under way, kept on the device so that no step waits for it."""

    def __init__(self, device: torch.device) -> None:
        # float64 does not exist on every device (Apple's has none): sums of means stay exact enough
        precise = torch.float32 if device.type == "mps" else torch.float64
        self.sums = torch.zeros(len(SUMS), dtype=precise, device=device)
        self._since = time.perf_counter()

    def add(self, state: State, examples: int, sums: Tensor) -> None:
        """Add one batch's sums, in the order of SUMS."""
        self.sums += sums
        state.examples += examples
        now = time.perf_counter()
        state.seconds, self._since = state.seconds + now - self._since, now

    def means(self, state: State) -> dict[str, float]:
        """Return the means so far and the speed."""
        means = (self.sums / max(1, state.examples)).tolist()
        speed = state.examples / max(state.seconds, 1e-9)
        return {**dict(zip(SUMS, means, strict=True)), "images_per_second": speed}

    def pool(self, state: State, world: World) -> None:
        """Add up what all processes have counted: to be saved, or the epoch's means."""
        mine = [*self.sums.tolist(), state.examples, state.seconds / world.size]
        *sums, examples, state.seconds = world.add(mine)
        self.sums.copy_(torch.tensor(sums, dtype=self.sums.dtype))
        state.examples = int(examples)

    def divide(self, state: State, world: World) -> None:
        """Count on, each process from its share: the opposite of `pool`."""
        self.sums /= world.size
        each, longer = divmod(state.examples, world.size)
        state.examples = each + (world.rank < longer)

    def restart(self) -> None:
        """Forget the time that passed since the last batch."""
        self._since = time.perf_counter()


def capture(
    model: nn.Module,
    learning: nn.Module,
    optimizer: Optimizer,
    meter: Meter,
    state: State,
    world: World = ALONE,
) -> tuple[Tensors, dict[str, Any]]:
    """Return all that a run needs to go on as if it had never stopped.

    Args:
        model: what is trained.
        learning: what the objective learns, a module without contents where it learns nothing.
        optimizer: of both.
        meter: the sums of the epoch under way.
        state: the counters.
        world: the processes.
    """
    slots = {
        f"{i}.{name}": whole(value)
        for i, slot in optimizer.state_dict()["state"].items()
        for name, value in slot.items()
    }
    own = {"cpu": torch.get_rng_state()}
    if meter.sums.device.type == "cuda":
        own["cuda"] = torch.cuda.get_rng_state(meter.sums.device)
    random, *others = world.gather([own])
    groups = {
        "model": model.state_dict(),
        "objective": learning.state_dict(),
        "optimizer": slots,
        "random": random,
        **{f"random/{rank}": states for rank, states in enumerate(others, 1)},
        "meter": {"sums": meter.sums},
    }
    return join(groups), asdict(state)


def restore(
    tensors: Tensors,
    record: dict[str, Any],
    model: nn.Module,
    learning: nn.Module,
    optimizer: Optimizer,
    meter: Meter,
) -> State:
    """Put everything that `capture` took back, but the random states: see `restore_random`."""
    if "meter/sums" not in tensors or record.keys() != {f.name for f in fields(State)}:
        raise BadValue(
            "checkpoint",
            expected="the whole state of a run",
            got="other contents",
            fix=ONE_BEFORE,
        )
    set_weights(model, split(tensors, "model"))
    set_weights(learning, split(tensors, "objective"))
    slots: dict[int, dict[str, Tensor]] = {}
    for key, value in split(tensors, "optimizer").items():
        index, _, name = key.partition(".")
        slots.setdefault(int(index), {})[name] = value
    optimizer.load_state_dict({**optimizer.state_dict(), "state": slots})
    meter.sums.copy_(tensors["meter/sums"])
    return State(**record)


def set_weights(model: nn.Module, weights: Tensors) -> None:
    """Give a model its weights; ValueError when they are another model's."""
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        raise BadValue(
            "weights",
            expected="those of the model in config.json",
            got=f"'{str(error).splitlines()[-1].strip()}'",
            fix="Pass the same network as in training.",
        ) from None


def restore_random(tensors: Tensors, device: torch.device, rank: int = 0, missing: int = 0) -> None:
    """Set torch's generators, of the CPU and of the device, to where the checkpoint found them.

    Where it has none of this process, because there were fewer, begin from the seed `missing`.
    """
    random = split(tensors, f"random/{rank}" if rank else "random")
    if "cpu" not in random:
        torch.default_generator.manual_seed(missing)
    else:
        torch.set_rng_state(random["cpu"])
    if device.type != "cuda":
        return
    if "cuda" in random:
        torch.cuda.set_rng_state(random["cuda"], device)
    elif rank:
        torch.cuda.manual_seed(missing)


def whole(value: Tensor) -> Tensor:
    """Return all of a tensor of which each process may hold a part."""
    full = getattr(value, "full_tensor", None)
    return value if full is None else full()
