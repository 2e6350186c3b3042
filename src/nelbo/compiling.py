"""A function of tensors as one compiled program."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch.fx import GraphModule

from nelbo.rng import seeded


def compiled(function: Callable[..., Any], *inputs: Any, cuda: bool = False) -> Callable[..., Any]:
    """Return the function compiled for inputs of these shapes, types and devices, and no others.

    It is run once on tensors without contents, and every operation noted down: what it does in
    Python (counting, branching) happens then. The program draws the random numbers that the
    function itself would draw, and is built when it is first called.

    Args:
        function: of tensors, and of lists and dictionaries of them.
        inputs: examples of what it will be given.
        cuda: capture all of it as one CUDA graph.

    Raises:
        Exception: whatever the compiler says, here or at the first call: the function looks at
            values, an operation is unknown, there is no C++ compiler.

    Example:
        >>> import torch
        >>> double = compiled(lambda x: x + x, torch.ones(3))
        >>> callable(double)
        True
    """
    # a third of a second that nobody pays who does not compile
    from torch.fx.experimental.proxy_tensor import make_fx

    with seeded(0), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the compiler's own parts
        traced = make_fx(function, tracing_mode="fake", _allow_non_fake_inputs=True)(*inputs)
        _untwist(traced)
        _unfuse(traced)
        traced.graph.eliminate_dead_code()
        traced.recompile()
        options = {
            # nothing has to be looked at before each call: the caller keeps its word
            "guard_filter_fn": torch.compiler.skip_all_guards_unsafe,
            "fallback_random": True,
            "triton.cudagraphs": cuda,
        }
        return torch.compile(traced, dynamic=False, fullgraph=True, options=options)


def reason(error: Exception) -> str:
    """Return why something was not compiled, in one line."""
    lines = [line for line in str(error).splitlines() if line.strip()][:2]
    return f"{' '.join([type(error).__name__, *lines]):.200}"


def _untwist(traced: GraphModule) -> None:
    """Cast gradients of bf16 weights as they lie, not transposed there and back: 3 ms of 17."""
    t, cast = torch.ops.aten.t.default, torch.ops.aten._to_copy.default
    for outer in traced.graph.find_nodes(op="call_function", target=t):
        middle = outer.args[0]
        inner = middle.args[0] if middle.target is cast else None
        if inner is None or inner.target is not t:
            continue
        with traced.graph.inserting_before(outer):
            straight = traced.graph.call_function(cast, (inner.args[0],), middle.kwargs)
            straight.meta = dict(outer.meta)
        outer.replace_all_uses_with(straight)


def _unfuse(traced: GraphModule) -> None:
    """Add biases after the products, where the next operation takes them along: 5 % of a step.

    As x W - (-b): of a sum the compiler would make one call again, which copies the bias first.
    """
    aten = torch.ops.aten
    for fused in traced.graph.find_nodes(op="call_function", target=aten.addmm.default):
        if fused.kwargs:
            continue
        bias, x, weight = fused.args
        with traced.graph.inserting_before(fused):
            product = traced.graph.call_function(aten.mm.default, (x, weight))
            minus = traced.graph.call_function(aten.neg.default, (bias,))
            added = traced.graph.call_function(aten.sub.Tensor, (product, minus))
            product.meta, added.meta = dict(fused.meta), dict(fused.meta)
        fused.replace_all_uses_with(added)
