"""The step of several processes of which each holds a part of every parameter."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from accelerate import FullyShardedDataParallelPlugin
from accelerate.utils.fsdp_utils import fsdp2_prepare_auto_wrap_policy
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor

from nelbo.model import VAE
from nelbo.objectives import Objective
from nelbo.terms import Terms
from nelbo.train.adam import Adam
from nelbo.train.distributed import Distributed, Loss
from nelbo.train.state import SUMS, whole
from nelbo.world import World


class Sharded(Distributed):
    """`Distributed`, with weights, gradients and both moments of Adam in parts.

    A sharded copy of the model is trained; the model itself is brought up to date before it is
    measured or saved, so that one device has to hold its weights, but neither its gradients nor
    its moments. How it is cut is `accelerate launch`'s to say (`--fsdp_auto_wrap_policy`,
    `--fsdp_reshard_after_forward`, `--fsdp_offload_params`); the precision is nelbo's.

    Source: Zhao et al. 2023, PyTorch FSDP: experiences on scaling fully sharded data parallel.

    Args:
        model: the whole of it.
        precision: of the networks' arithmetic.
        world: the processes.
        optimizer: of the model's parameters: takes its steps on the parts.
    """

    def __init__(self, model: VAE, precision: torch.dtype, world: World, optimizer: Adam) -> None:
        super().__init__(model, precision, world)
        self.whole, self.optimizer = model, optimizer

    def prepare(self, x: Tensor, objective: Objective) -> bool:
        """Cut a copy of the model, once."""
        if self._together is None:
            self.model = copy.deepcopy(self.whole)
        return super().prepare(x, objective)

    @torch.no_grad()
    def settle(self) -> None:
        """Bring the whole model up to date."""
        if self._together is None:
            return
        super().settle()
        for mine, part in zip(self.whole.parameters(), self.model.parameters(), strict=True):
            mine.copy_(whole(part))
        for mine, theirs in zip(self.whole.buffers(), self.model.buffers(), strict=True):
            mine.copy_(theirs)

    def _module(self, idle: list[nn.Parameter]) -> Loss:
        return _Loss(self, idle)

    def _connected(self) -> nn.Module:
        plugin = FullyShardedDataParallelPlugin(fsdp_version=2)
        plugin.set_auto_wrap_policy(self._loss)
        mesh = init_device_mesh(self._loss.news.device.type, (self.world.size,))
        options: dict[str, Any] = {
            "mesh": mesh,
            "reshard_after_forward": plugin.reshard_after_forward,
            "offload_policy": plugin.cpu_offload,
        }
        is_unit = fsdp2_prepare_auto_wrap_policy(plugin, self._loss) or _no_unit
        for part in [*self.model.modules()][::-1]:
            if is_unit(part):
                fully_shard(part, **options)
        fully_shard(self._loss, **options)
        self._hand_over()
        return self._loss

    def _hand_over(self) -> None:
        """Give the optimiser the parts to step on, and of its state the parts too."""
        (group,), state = self.optimizer.param_groups, self.optimizer.state
        cut = list(self.model.parameters())
        for mine, part in zip(group["params"], cut, strict=True):
            if mine in state:
                state[part] = {name: _cut(v, part) for name, v in state.pop(mine).items()}
        group["params"], group["fused"] = cut, False

    def _scale(self, factor: Tensor) -> None:
        gradients = [p.grad for p in self.model.parameters() if p.grad is not None]
        torch._foreach_mul_([_local(g) for g in gradients], factor)

    def _idle(self, x: Tensor, objective: Objective) -> list[nn.Parameter]:
        """Return none: a parameter that no loss depends on is waited for by nobody."""
        return []


class _Loss(Loss):
    """A `Loss` that goes the same way through the model with rows and without."""

    def none(self, x: Tensor, objective: Objective) -> tuple[Tensor, Tensor, Callable[[], Terms]]:
        """Take part without rows: the parts of the weights are wanted, whatever for."""
        filler = x.new_full((2, *x.shape[1:]), 0.5)  # inside the support of every density
        loss, _, terms = self._forward(filler, objective)
        return 0 * loss, loss.new_zeros(len(SUMS)), terms


def _no_unit(_: nn.Module) -> bool:
    """Return False: nothing inside the model is gathered by itself."""
    return False


def _cut(value: Tensor, part: Tensor) -> Tensor:
    """Return this process's part of a moment, as its parameter is cut."""
    if not isinstance(part, DTensor) or value.shape != part.shape:
        return value
    return distribute_tensor(value, part.device_mesh, part.placements)


def _local(value: Tensor) -> Tensor:
    return value.to_local() if isinstance(value, DTensor) else value
