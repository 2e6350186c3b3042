"""Adam whose step is one call."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

FUSED = ("cpu", "cuda")  # older versions of torch have fused kernels for these two alone


class Adam(torch.optim.Adam):
    """`torch.optim.Adam`, fused, bit for bit, without its bookkeeping at each step.

    Every parameter gets a step, or none does: where a loss is not finite the weights and both
    moments stay as they are, and no step waits to learn of it.

    Source: Kingma & Ba 2015, Adam, algorithm 1.

    Args:
        parameters: what is trained, all on one device, in one group or several: a group's "lr" is
            its own.
        lr: step size.

    Example:
        >>> weight = nn.Parameter(torch.ones(2))
        >>> adam = Adam([weight], lr=0.1)
        >>> weight.grad = torch.ones(2)
        >>> adam.update(torch.tensor(0.5))
        >>> weight.tolist()
        [0.9..., 0.9...]
    """

    def __init__(self, parameters: Iterable[Any], lr: float) -> None:
        given = list(parameters)
        first = given[0]["params"][0] if isinstance(given[0], dict) else given[0]
        super().__init__(given, lr=lr, fused=first.device.type in FUSED)
        self._lists: list[tuple[list[Tensor], ...]] = []

    @torch.no_grad()
    def update(self, loss: Tensor) -> None:
        """Take a step with the gradients in `.grad`, unless the loss is not finite."""
        on_cpu = loss.device.type == "cpu"  # where a look costs nothing
        if on_cpu and not math.isfinite(loss.item()):
            return
        groups = self.param_groups
        every = [p.grad is not None for group in groups for p in group["params"]]
        if not (groups[0]["fused"] and all(every)):
            self._plain(loss)
            return
        broken = None if on_cpu else (~loss.isfinite()).float()
        for group, moments in zip(groups, self._moments(), strict=True):
            _fused(group, moments, broken)

    @property
    def updates(self) -> int:
        """How many steps were taken."""
        return max((int(slot.get("step", 0)) for slot in self.state.values()), default=0)

    def _plain(self, loss: Tensor) -> None:
        """Take torch's own step: there is no fused kernel, or a parameter is not in use."""
        if bool(loss.isfinite()):
            self.step()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take both moments and the number of steps from a checkpoint."""
        super().load_state_dict(state_dict)
        self._lists = []

    def _moments(self) -> list[tuple[list[Tensor], ...]]:
        """Return the means, squares and steps of each group."""
        if not self._lists:
            self._lists = [self._begun(group["params"]) for group in self.param_groups]
        return self._lists

    def _begun(self, parameters: list[nn.Parameter]) -> tuple[list[Tensor], ...]:
        for p in parameters:
            slot = self.state[p]
            if not slot:
                slot["step"] = torch.zeros((), dtype=torch.float32, device=p.device)
                slot["exp_avg"] = torch.zeros_like(p, memory_format=torch.preserve_format)
                slot["exp_avg_sq"] = torch.zeros_like(p, memory_format=torch.preserve_format)
        names = ("exp_avg", "exp_avg_sq", "step")
        return tuple([self.state[p][name] for p in parameters] for name in names)


def _fused(group: dict[str, Any], moments: tuple[list[Tensor], ...], broken: Tensor | None) -> None:
    """Take a group's step in one call; where `broken` is 1 nothing moves."""
    means, squares, steps = moments
    gradients = [p.grad for p in group["params"]]
    beta1, beta2 = group["betas"]
    torch._foreach_add_(steps, 1 if broken is None else 1 - broken)
    torch._fused_adam_(
        group["params"], gradients, means, squares, [], steps,
        lr=group["lr"], beta1=beta1, beta2=beta2, weight_decay=0.0, eps=group["eps"],
        amsgrad=False, maximize=False, found_inf=broken,
    )  # fmt: skip
