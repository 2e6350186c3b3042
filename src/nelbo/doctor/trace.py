"""`Tracer`: every operation that runs while somebody's function is called, and in which module."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from torch import Tensor, nn
from torch.nn.modules.module import (
    register_module_forward_hook,
    register_module_forward_pre_hook,
)
from torch.utils._python_dispatch import TorchDispatchMode

# that move numbers about without changing them
VIEWS = frozenset(
    "view _unsafe_view reshape _reshape_alias expand permute transpose t squeeze unsqueeze clone "
    "alias detach lift_fresh _to_copy contiguous slice select unflatten flatten split chunk "
    "unbind".split()
)


class Tracer(TorchDispatchMode):
    """While it is entered, calls `seen(path, operation, inputs, output)` after every operation.

    It sees what torch really computes, so it needs neither modules nor gradients; `path` is that
    of the innermost module at work, empty where there is none.

    Args:
        seen: is called with each operation that has a tensor as its output.
        roots: modules by whose names the paths begin; others go by their class.
    """

    def __init__(
        self,
        seen: Callable[[str, str, Sequence[Tensor], Tensor], None],
        roots: Sequence[nn.Module] = (),
    ) -> None:
        super().__init__()
        self.seen, self.called = seen, dict[int, nn.Module]()
        self._names = names(roots)
        self._stack: list[nn.Module] = []
        self._hooks: list[Any] = []

    @property
    def path(self) -> str:
        """Where the computation is at this moment."""
        if not self._stack:
            return ""
        module = self._stack[-1]
        name, kind = self._names.get(id(module), ""), type(module).__name__
        return f"{name} ({kind})" if name else kind

    def __enter__(self) -> Tracer:
        self._hooks = [
            register_module_forward_pre_hook(self._enter_module),
            register_module_forward_hook(self._leave_module, always_call=True),
        ]
        super().__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)
        for hook in self._hooks:
            hook.remove()

    def _enter_module(self, module: nn.Module, _: Any) -> None:
        self.called[id(module)] = module
        self._stack.append(module)

    def _leave_module(self, *_: Any) -> None:
        self._stack.pop()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__.rstrip("_")
        inputs = [a for a in _flat(args) if isinstance(a, Tensor)]
        if func._schema.is_mutable:  # exp_() writes its output over its input
            inputs = [a.clone() for a in inputs]
        output = func(*args, **(kwargs or {}))
        for one in _flat(output):
            if isinstance(one, Tensor):
                self.seen(self.path, name, inputs, one)
        return output


def names(roots: Sequence[nn.Module]) -> dict[int, str]:
    """Return the path of every module below some roots, by its id."""
    found: dict[int, str] = {}
    for root in roots:
        for name, module in root.named_modules():
            found.setdefault(id(module), name)
    return found


def _flat(value: Any) -> Iterator[Any]:
    if isinstance(value, tuple | list):
        for one in value:
            yield from _flat(one)
    else:
        yield value
