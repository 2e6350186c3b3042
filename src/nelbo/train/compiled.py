"""The step as one compiled program."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad_and_value

from nelbo.compiling import compiled, reason
from nelbo.model import VAE
from nelbo.objectives import Objective
from nelbo.rng import seeded
from nelbo.terms import Terms
from nelbo.train.step import Outcome, Step

# Steps from which the wait is paid back: benchmarks/results/break-even.json.
BREAK_EVEN = 40_000
# Largest difference between a compiled gradient and the same one uncompiled, relative to its size.
ALIKE = {torch.float32: 1e-3, torch.bfloat16: 0.1}


class Compiled(Step):
    """Forward and backward as one program, traced once and compiled for whole batches.

    A short last batch goes uncompiled. The program is checked against the uncompiled step on the
    first batch; where it differs, or where there is no compiler, training goes on without it. What
    a module does in Python at each call (counting, branching on values) happens once, at the trace.

    Args:
        model: whose parameters.
        precision: of the networks' arithmetic.
        objective: with its schedules: what they say at a step goes into the program as a tensor.
        batch: examples of a whole batch.
        say: is told of the wait, and of what went wrong.
    """

    def __init__(
        self,
        model: VAE,
        precision: torch.dtype,
        objective: Objective,
        batch: int,
        say: Callable[[str], None],
    ) -> None:
        super().__init__(model, precision)
        self.objective, self.batch, self.say = objective, batch, say
        self._module = _Forward(self)
        self._program: Callable[..., Any] | None = None
        self._tried = False
        # found once: to look for them among the modules at each step takes longer than their use
        named = self._module.named_parameters()
        self._parameters = {name: p for name, p in named if p.requires_grad}
        self._values = [p.detach() for p in self._parameters.values()]
        self._buffers = _owners(self._module)
        self._moving: list[str] = []

    def prepare(self, x: Tensor, objective: Objective) -> bool:
        """Compile for the first whole batch."""
        if self._tried or len(x) != self.batch:
            return False
        self._tried = True
        self.say("Compiling the step, once: some 10 to 60 seconds.")
        start = time.perf_counter()
        try:
            gradient = self._uncompiled(x, objective)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of the compiler's own parts: it is built here
                program = self._compile(x, objective)
                difference = self._difference(program, gradient, x, objective)
        except Exception as error:  # whatever a compiler may not like: training needs none
            self.say(f"Not compiled, only slower: {reason(error)}")
            return True
        if difference > ALIKE[self.precision]:
            self.say(
                f"Not compiled, only slower: the compiled gradient differs by {difference:.1e} of "
                "its size. A module that draws or counts in Python cannot be compiled."
            )
            return True
        self._program = program
        self.say(f"Compiled in {time.perf_counter() - start:.0f} seconds.")
        return True

    def __call__(self, x: Tensor, objective: Objective) -> Outcome:
        """Go forward and backward in one call; see `Step`."""
        if self._program is None or len(x) != self.batch:
            return super().__call__(x, objective)
        with torch.no_grad():
            gradients, loss, sums, moved = self._program(*self._inputs(x, objective))
            for name, value in moved.items():
                owner, key = self._buffers[name]
                owner._buffers[key].copy_(value)
        for parameter, gradient in zip(self._parameters.values(), gradients, strict=True):
            parameter.grad = gradient
        return Outcome(loss, sums, partial(self._again, x))

    def _inputs(self, x: Tensor, objective: Objective) -> tuple[Any, ...]:
        weights = [torch.tensor(float(getattr(objective, n))) for n in self.objective.scheduled]
        buffers = {name: owner._buffers[key] for name, (owner, key) in self._buffers.items()}
        return self._values, buffers, x, weights

    def _compile(self, x: Tensor, objective: Objective) -> Callable[..., Any]:
        names, scheduled = list(self._parameters), self.objective.scheduled

        def program(
            parameters: list[Tensor], buffers: dict[str, Tensor], x: Tensor, weights: list[Tensor]
        ) -> tuple[list[Tensor], Tensor, Tensor, dict[str, Tensor]]:
            at = objective.with_values(dict(zip(scheduled, weights, strict=True)))

            def loss(parameters: list[Tensor], buffers: dict[str, Tensor]) -> Any:
                state = {**dict(zip(names, parameters, strict=True)), **buffers}
                value, sums, after = functional_call(self._module, state, (x, at))
                return value, (sums, after)

            before = {n: b.clone() if n in self._moving else b for n, b in buffers.items()}
            gradients, (value, (sums, after)) = grad_and_value(loss, has_aux=True)(
                parameters, before
            )
            return gradients, value, sums, {name: after[name] for name in self._moving}

        on_cuda = x.device.type == "cuda"
        return compiled(program, *self._inputs(x, objective), cuda=on_cuda)

    def _uncompiled(self, x: Tensor, objective: Objective) -> list[Tensor]:
        """Return the gradient; take note of the buffers that a step changes, and change none."""
        before = {name: buffer.clone() for name, buffer in self._module.named_buffers()}
        with seeded(0):
            super().__call__(x, objective)
        for name, buffer in self._module.named_buffers():
            if not torch.equal(buffer, before[name]):
                self._moving.append(name)
                buffer.copy_(before[name])
        found = self._parameters.values()
        gradient = [torch.zeros_like(p) if p.grad is None else p.grad.detach() for p in found]
        self.model.zero_grad()
        return gradient

    def _difference(
        self, program: Callable[..., Any], gradient: list[Tensor], x: Tensor, objective: Objective
    ) -> float:
        """Return by how much the program's gradient differs from the uncompiled one, relatively."""
        with seeded(0), torch.no_grad():
            ours = program(*self._inputs(x, objective))[0]
            apart = [a - b for a, b in zip(ours, gradient, strict=True)]
            return (_norm(apart) / _norm(gradient).clamp_min(1e-30)).item()

    @torch.no_grad()
    def _again(self, x: Tensor) -> Terms:
        """Return a forward pass of the same batch, with other noise, for those who look at it."""
        with seeded(0), self.autocast(x):
            return self.model.terms(x)


class _Forward(nn.Module):
    """The forward pass as a module, for `functional_call`."""

    def __init__(self, step: Step) -> None:
        super().__init__()
        self.model = step.model
        self._forward = step.forward

    def forward(self, x: Tensor, objective: Objective) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        loss, sums, _ = self._forward(x, objective)
        return loss, sums, dict(self.named_buffers())


def _owners(module: nn.Module) -> dict[str, tuple[nn.Module, str]]:
    """Return each buffer's name, with the module that has it and its name there."""
    owners = {}
    for name, _ in module.named_buffers():
        path, _, key = name.rpartition(".")
        owners[name] = (module.get_submodule(path), key)
    return owners


def _norm(tensors: list[Tensor]) -> Tensor:
    return torch.stack([t.double().norm() for t in tensors]).norm()
