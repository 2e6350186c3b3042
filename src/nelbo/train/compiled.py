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
from nelbo.train.counting import numbers, put_back
from nelbo.train.step import Outcome, Step

# Steps from which the wait is paid back, compiler's imports included: the slowest of what gains
# took 12,453, the others 1,300 to 4,200 (benchmarks/results/break-even.json).
BREAK_EVEN = 15_000
# Largest difference between a compiled gradient and the same one uncompiled, relative to its size.
ALIKE = {torch.float32: 1e-3, torch.bfloat16: 0.1}
SLOWER = "Not compiled, only slower"


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
        learning: the objective, where it learns something itself.
    """

    def __init__(
        self,
        model: VAE,
        precision: torch.dtype,
        objective: Objective,
        batch: int,
        say: Callable[[str], None],
        learning: nn.Module | None = None,
    ) -> None:
        super().__init__(model, precision, learning)
        self.objective, self.batch, self.say = objective, batch, say
        self._module = _Forward(self)
        self._program: Callable[..., Any] | None = None
        self._tried, self._short = False, 0
        # found once: to look for them among the modules at each step takes longer than their use
        named = self._module.named_parameters()
        self._parameters = {name: p for name, p in named if p.requires_grad}
        self._values = [p.detach() for p in self._parameters.values()]
        self._buffers = _owners(self._module)
        self._moving: list[str] = []

    def prepare(self, x: Tensor, objective: Objective) -> bool:
        """Compile for the first whole batch."""
        if self._tried:
            return False
        if len(x) != self.batch:
            self._not_whole(len(x))
            return False
        self._tried = True
        self.say("Compiling the step, once: some 10 to 60 seconds.")
        start = time.perf_counter()
        try:
            refused = self._build(x, objective)
        except Exception as error:  # whatever a compiler may not like: training needs none
            refused = reason(error)
        seconds = time.perf_counter() - start
        self.say(f"{SLOWER}: {refused}" if refused else f"Compiled in {seconds:.0f} seconds.")
        return True

    def _build(self, x: Tensor, objective: Objective) -> str:
        """Compile and check the program; return why it is not to be used, "" where it is."""
        before = numbers(self.modules)
        gradient = self._uncompiled(x, objective)
        if put_back(self.modules, before):
            return "A module that counts in Python cannot be compiled."
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the compiler's own parts: it is built here
            program = self._compile(x, objective)
            difference = self._difference(program, gradient, x, objective)
        if not difference <= ALIKE[self.precision]:  # a NaN is not alike
            return (
                f"the compiled gradient differs by {difference:.1e} of its size. A module that "
                "draws in Python cannot be compiled."
            )
        self._program = program
        return ""

    def _not_whole(self, examples: int) -> None:
        """Say so where batches of another size come, as a short last one does once an epoch."""
        self._short += 1
        if self._short == 2:
            self.say(
                f"{SLOWER}: batches of {examples} examples come, not of {self.batch}. "
                f"Pass batch={examples}."
            )

    def __call__(self, x: Tensor, objective: Objective) -> Outcome:
        """Go forward and backward in one call; see `Step`."""
        if self._program is None or len(x) != self.batch:
            return super().__call__(x, objective)
        with torch.no_grad():
            gradients, loss, sums, moved = self._program(*self._inputs(x, objective))
            for name, value in moved.items():
                self._buffer(name).copy_(value)
        for parameter, gradient in zip(self._parameters.values(), gradients, strict=True):
            parameter.grad = gradient
        return Outcome(loss, sums, partial(self._again, x))

    def _inputs(self, x: Tensor, objective: Objective) -> tuple[Any, ...]:
        weights = [torch.tensor(float(getattr(objective, n))) for n in self.objective.scheduled]
        buffers = {name: self._buffer(name) for name in self._buffers}
        # the program was built for examples one after the other
        return self._values, buffers, x.contiguous(), weights

    def _buffer(self, name: str) -> Tensor:
        owner, key = self._buffers[name]
        found = owner._buffers[key]
        assert found is not None
        return found

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
        self.modules.zero_grad()
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
        before = {name: self._buffer(name).clone() for name in self._moving}
        with seeded(0), self.autocast(x):
            terms = self.objective.terms(self.model, x)
        for name, value in before.items():
            self._buffer(name).copy_(value)  # the step itself has moved them already
        return terms


class _Forward(nn.Module):
    """The forward pass as a module, for `functional_call`."""

    def __init__(self, step: Step) -> None:
        super().__init__()
        self.parts = step.modules
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
