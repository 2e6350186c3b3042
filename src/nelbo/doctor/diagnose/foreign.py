"""`Foreign`: somebody's function of any framework, called with torch tensors."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from nelbo.doctor.audit.calling import as_numpy
from nelbo.doctor.kept import evaluation_mode, generators_kept
from nelbo.doctor.modules import behind
from nelbo.errors import BadType, BadValue, NelboError


class Foreign:
    """A function that takes and gives arrays of any framework, as one of torch tensors.

    Torch tensors are tried first, NumPy arrays where they are refused. Modules that the function
    belongs to are found by themselves: they say on which device and in which precision to call
    it, and are in evaluation mode meanwhile, unless another is asked for.

    Args:
        name: what the user calls it, for messages: `"encode"`.
        function: the user's own.
        wanted: its form, for messages: `"encode(x) -> (mu, logvar)"`.
        modules: its modules, where they cannot be found.
        mode: what their mode is meanwhile.
    """

    def __init__(
        self,
        name: str,
        function: Any,
        wanted: str,
        modules: Sequence[nn.Module] = (),
        mode: Callable[..., AbstractContextManager[None]] = evaluation_mode,
    ) -> None:
        if not callable(function):
            got, fix = f"{function!r}"[:60], f"Pass a function: {wanted}."
            raise BadType(name, expected="a function", got=got, fix=fix)
        self.name, self.function, self.wanted, self.mode = name, function, wanted, mode
        self.modules = tuple(modules) or behind(function)
        self._convert: Callable[[Tensor], Any] | None = None

    def __call__(self, *arguments: Tensor) -> Any:
        """Return what the function returns, its arrays as tensors on the CPU.

        Raises:
            ValueError: the function raised, or what it returned holds no numbers.
        """
        if self._convert is None:
            return self._first(arguments)
        try:
            return self._call(self._convert, arguments)
        except NelboError:
            raise
        except Exception as error:
            raise self._refused(arguments, [error]) from error

    def _first(self, arguments: Sequence[Tensor]) -> Any:
        """Find how the function wants to be called."""
        errors: list[Exception] = []
        # NumPy's functions take tensors too, with a warning: better hand them arrays at once
        for convert, strict in ((self._torch, True), (_numpy, False), (self._torch, False)):
            try:
                with _deprecations_refused(strict):
                    found = self._call(convert, arguments)
            except NelboError:
                raise
            except Exception as error:
                errors.append(error)
            else:
                self._convert = convert
                return found
        raise self._refused(arguments, errors) from errors[0]

    def _call(self, convert: Callable[[Tensor], Any], arguments: Sequence[Tensor]) -> Any:
        with self.mode(*self.modules), generators_kept():
            return self._tensors(self.function(*map(convert, arguments)))

    def _torch(self, x: Tensor) -> Tensor:
        like = weight(self.modules)
        return x if like is None else x.to(like)

    def _tensors(self, found: Any) -> Any:
        if isinstance(found, tuple | list):
            return tuple(self._tensors(one) for one in found)
        if isinstance(found, Tensor):
            precise = found.dtype in (torch.float32, torch.float64)
            return found.cpu() if precise else found.cpu().float()
        array = as_numpy(found)
        if array is None or array.dtype.kind not in "fiub":
            raise BadType(
                f"what {self.name} returned",
                expected="arrays of numbers",
                got=type(found).__name__,
                fix=f"Wrap it: {self.wanted}.",
            )
        return self._tensors(torch.from_numpy(np.array(array, copy=True)))

    def _refused(self, arguments: Sequence[Tensor], errors: Sequence[Exception]) -> BadValue:
        shapes = " and ".join(str(list(a.shape)) for a in arguments)
        said = "; with NumPy: ".join(f"{type(e).__name__}: {_first_line(e)}" for e in errors[:2])
        return BadValue(
            self.name,
            expected=f"a function of an array of shape {shapes}",
            got=said,
            fix=f"Try it on one batch yourself, and wrap it: {self.wanted}.",
        )


def fed(function: Callable[..., Any], modules: Sequence[nn.Module]) -> Callable[..., Any]:
    """Return a function that takes tensors of the CPU for one whose modules lie elsewhere."""
    like = weight(modules)
    if like is None or like.device.type == "cpu":
        return function
    device = like.device
    return lambda *given: function(*(x.to(device) if isinstance(x, Tensor) else x for x in given))


def weight(modules: Sequence[nn.Module]) -> Tensor | None:
    """Return the modules' first weight, for its device and its precision."""
    weights = (p for m in modules for p in m.parameters())
    return next((p for p in weights if p.is_floating_point()), None)


def _numpy(x: Tensor) -> np.ndarray:
    return x.detach().numpy()


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else "without a message"


@contextmanager
def _deprecations_refused(strict: bool) -> Iterator[None]:
    if not strict:
        yield
        return
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)
        yield


def takes(function: Any) -> int:
    """Return how many arguments a function cannot do without; 1 where it cannot be known."""
    called = function.forward if isinstance(function, nn.Module) else function
    try:
        parameters = inspect.signature(called).parameters.values()
    except (TypeError, ValueError):
        return 1
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(p.kind in kinds and p.default is p.empty for p in parameters)
