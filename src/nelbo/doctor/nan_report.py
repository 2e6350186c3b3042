"""`nan_report`: the first tensor that is not finite, and where it came from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from nelbo.doctor.kept import generators_kept, weights_kept
from nelbo.doctor.modules import behind
from nelbo.doctor.trace import Tracer
from nelbo.errors import BadType
from nelbo.rng import seeded

Kind = Literal["input", "parameter", "activation"]

# that leave what happens to lie in memory, or write a constant on purpose (a mask's -inf)
UNFILLED = frozenset(
    "empty empty_like empty_strided new_empty new_empty_strided full full_like fill new_full "
    "masked_fill scalar_tensor".split()
)
SHOWN = 8  # examples named


@dataclass(frozen=True)
class NanReport:
    """Where the first number came up that is not finite.

    Attributes:
        kind: `"input"`, `"parameter"` or `"activation"`.
        tensor: its name, such as `"encoder.3.weight"` or `"exp in decoder.2 (Linear)"`.
        value: `"nan"`, `"inf"` or `"-inf"`.
        share: of its values, those that are not finite.
        examples: the first of the batch's examples that have them; empty for a parameter.
        fix: one action.

    Example:
        >>> report = nan_report(torch.log, torch.tensor([[1.0], [-1.0]]))
        >>> print(report)
        log is nan for example 1 of the batch, though all that goes in is finite.
    """

    kind: Kind
    tensor: str
    value: str
    share: float
    examples: tuple[int, ...]
    fix: str

    @property
    def where(self) -> str:
        """The examples, as words to go on with."""
        rows = ", ".join(map(str, self.examples))
        return f" for example{'s' * (len(self.examples) > 1)} {rows} of the batch" if rows else ""

    @property
    def sentence(self) -> str:
        """What happened, in one sentence."""
        where = self.where
        if self.kind == "input":
            return f"{self.tensor} is {self.value}{where}."
        if self.kind == "parameter":
            return f"the parameter {self.tensor} is {self.value} in {self.share:.0%} of its values."
        return f"{self.tensor} is {self.value}{where}, though all that goes in is finite."

    def __str__(self) -> str:
        return self.sentence


def nan_report(
    function: Callable[..., Any], *inputs: Tensor, modules: Sequence[nn.Module] = ()
) -> NanReport | None:
    """Call a module or function once and name the first tensor that is not finite, if any is.

    First the inputs are looked at, then parameters and buffers, then the output of every operation
    in the order in which torch computes them: the first whose own inputs are finite is the one.

    Args:
        function: a module, or any function of tensors, such as one that computes the loss.
        inputs: what to call it with.
        modules: those that a function uses, whose parameters and names are to be known.

    Raises:
        TypeError: not a function.

    Example:
        >>> model = nn.Sequential(nn.Linear(2, 3), nn.Tanh())
        >>> nan_report(model, torch.zeros(4, 2)) is None
        True
        >>> with torch.no_grad():
        ...     _ = model[0].weight.fill_(float("nan"))
        >>> print(nan_report(model, torch.zeros(4, 2)))
        the parameter 0.weight is nan in 100% of its values.
    """
    if not callable(function):
        fix = "Pass the module, or a function of its inputs."
        raise BadType("nan_report", expected="a function", got=f"{function!r}"[:60], fix=fix)
    roots = (function, *modules) if isinstance(function, nn.Module) else tuple(modules)
    known = next(_inputs(inputs), None) or next(_weights(roots), None)
    if known is not None:
        return known
    with weights_kept((*behind(function), *modules)), generators_kept(), seeded(0):
        return _first_operation(function, inputs, roots)


def _inputs(inputs: Sequence[Any]) -> Iterator[NanReport]:
    for i, value in enumerate(inputs):
        if isinstance(value, Tensor) and _broken(value):
            name = "the input" if len(inputs) == 1 else f"input {i + 1}"
            fix = "Remove these examples or fill in what is missing."
            yield NanReport("input", name, *described(value), fix)


def _weights(roots: Sequence[nn.Module]) -> Iterator[NanReport]:
    for root in roots:
        for name, value in (*root.named_parameters(), *root.named_buffers()):
            if _broken(value):
                said, share, _ = described(value)
                fix = "Go back to weights that are finite, and lower the learning rate (a tenth)."
                yield NanReport("parameter", name, said, share, (), fix)


def _first_operation(
    function: Callable[..., Any], inputs: Sequence[Any], roots: Sequence[nn.Module]
) -> NanReport | None:
    found: list[NanReport] = []

    def seen(path: str, operation: str, operands: Sequence[Tensor], output: Tensor) -> None:
        if found or operation in UNFILLED or not _broken(output):
            return
        if not any(_broken(operand) for operand in operands):
            name = f"{operation} in {path}" if path else operation
            found.append(NanReport("activation", name, *described(output), _mending(operation)))

    with torch.no_grad(), Tracer(seen, roots):
        function(*inputs)
    return found[0] if found else None


def _broken(value: Tensor) -> bool:
    return value.is_floating_point() and not bool(value.isfinite().all())


def described(value: Tensor) -> tuple[str, float, tuple[int, ...]]:
    """Return the first value that is not finite, their share, and the first rows with them."""
    wrong = ~value.detach().isfinite()
    first = value.detach()[wrong][0].item()
    rows = wrong.flatten(1).any(1) if value.dim() > 1 else wrong.flatten()
    shown = tuple(rows.nonzero().flatten()[:SHOWN].tolist()) if value.dim() else ()
    return str(first), float(wrong.double().mean()), shown


def _mending(operation: str) -> str:
    return _FIXES.get(operation, "Lower the learning rate (a tenth), or clip the gradient at 100.")


_FIXES = {
    "exp": "Bound what goes into exp: logvar.clamp(-10, 10), or lower the learning rate.",
    "log": "Keep log away from 0: pass logits to a loss that takes logits, or clamp at 1e-6.",
    "div": "Keep the divisor away from 0: add 1e-6, or clamp it.",
    "sqrt": "Keep sqrt away from numbers below 0: clamp at 0 and add 1e-12.",
    "reciprocal": "Keep the divisor away from 0: add 1e-6, or clamp it.",
    "pow": "Keep the base away from 0 and the exponent small.",
    "binary_cross_entropy": "Pass logits: binary_cross_entropy_with_logits.",
}
