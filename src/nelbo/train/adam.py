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
        parameters: what is trained, all on one device.
        lr: step size.

    Example:
        >>> weight = nn.Parameter(torch.ones(2))
        >>> adam = Adam([weight], lr=0.1)
        >>> weight.grad = torch.ones(2)
        >>> adam.update(torch.tensor(0.5))
        >>> weight.tolist()
        [0.9..., 0.9...]
    """

    def __init__(self, parameters: Iterable[nn.Parameter], lr: float) -> None:
        given = list(parameters)
        super().__init__(given, lr=lr, fused=given[0].device.type in FUSED)
        self._lists: tuple[list[Tensor], ...] | None = None

    @torch.no_grad()
    def update(self, loss: Tensor) -> None:
        """Take a step with the gradients in `.grad`, unless the loss is not finite."""
        on_cpu = loss.device.type == "cpu"  # where a look costs nothing
        if on_cpu and not math.isfinite(loss.item()):
            return
        group = self.param_groups[0]
        parameters = group["params"]
        gradients = [p.grad for p in parameters]
        if not group["fused"] or any(g is None for g in gradients):
            self._plain(loss)
            return
        means, squares, steps = self._moments(parameters)
        beta1, beta2 = group["betas"]
        broken = None if on_cpu else (~loss.isfinite()).float()
        torch._foreach_add_(steps, 1 if broken is None else 1 - broken)
        torch._fused_adam_(
            parameters, gradients, means, squares, [], steps,
            lr=group["lr"], beta1=beta1, beta2=beta2, weight_decay=0.0, eps=group["eps"],
            amsgrad=False, maximize=False, found_inf=broken,
        )  # fmt: skip

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
        self._lists = None

    def _moments(self, parameters: list[nn.Parameter]) -> tuple[list[Tensor], ...]:
        if self._lists is None:
            for p in parameters:
                slot = self.state[p]
                if not slot:
                    slot["step"] = torch.zeros((), dtype=torch.float32, device=p.device)
                    slot["exp_avg"] = torch.zeros_like(p, memory_format=torch.preserve_format)
                    slot["exp_avg_sq"] = torch.zeros_like(p, memory_format=torch.preserve_format)
            names = ("exp_avg", "exp_avg_sq", "step")
            self._lists = tuple([self.state[p][name] for p in parameters] for name in names)
        return self._lists
