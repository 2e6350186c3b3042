"""`Foreign`: somebody's function of any framework, called with torch tensors."""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from nelbo.doctor.audit.calling import as_numpy
from nelbo.doctor.trace import modes_kept
from nelbo.errors import BadType, BadValue, NelboError


class Foreign:
    """A function that takes and gives arrays of any framework, as one of torch tensors.

    Torch tensors are tried first, NumPy arrays where they are refused. Modules that the function
    belongs to are found by themselves: they say on which device and in which precision to call
    it, and are in evaluation mode meanwhile.

    Args:
        name: what the user calls it, for messages: `"encode"`.
        function: the user's own.
        wanted: its form, for messages: `"encode(x) -> (mu, logvar)"`.
        modules: its modules, where they cannot be found.
    """

    def __init__(
        self, name: str, function: Any, wanted: str, modules: Sequence[nn.Module] = ()
    ) -> None:
        if not callable(function):
            got, fix = f"{function!r}"[:60], f"Pass a function: {wanted}."
            raise BadType(name, expected="a function", got=got, fix=fix)
        self.name, self.function, self.wanted = name, function, wanted
        self.modules = tuple(modules) or tuple(_modules(function))
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
        with modes_kept(self.modules), numpy_kept():
            return self._tensors(self.function(*map(convert, arguments)))

    def _torch(self, x: Tensor) -> Tensor:
        weights = (p for m in self.modules for p in m.parameters())
        like = next((p for p in weights if p.is_floating_point()), None)
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


@contextmanager
def numpy_kept() -> Iterator[None]:
    """Run the block with NumPy's global generator at a fixed seed, then put its state back."""
    state = np.random.get_state()
    np.random.seed(0)
    try:
        yield
    finally:
        np.random.set_state(state)


def _modules(function: Any) -> Iterator[nn.Module]:
    """Yield the torch modules that a function belongs to or refers to."""
    if isinstance(function, nn.Module):
        yield function
    elif isinstance(function, functools.partial):
        yield from _modules(function.func)
        yield from _held(function.args)
    elif inspect.ismethod(function):
        owner = function.__self__
        yield from _held((owner, *getattr(owner, "__dict__", {}).values()))
    elif inspect.isfunction(function):
        within = [*_closed_over(function), *_named(function)]
        yield from _held(within)
        for inner in within:
            if inspect.ismethod(inner):
                yield from _modules(inner)
    elif hasattr(function, "__dict__"):
        yield from _held(vars(function).values())


def _closed_over(function: Any) -> Iterator[Any]:
    for cell in function.__closure__ or ():
        with suppress(ValueError):  # a name that is bound later
            yield cell.cell_contents


def _named(function: Any) -> Iterator[Any]:
    known = function.__globals__
    yield from (known[name] for name in function.__code__.co_names if name in known)


def _held(values: Any) -> Iterator[nn.Module]:
    yield from (value for value in values if isinstance(value, nn.Module))


def takes(function: Any) -> int:
    """Return how many arguments a function cannot do without; 1 where it cannot be known."""
    called = function.forward if isinstance(function, nn.Module) else function
    try:
        parameters = inspect.signature(called).parameters.values()
    except (TypeError, ValueError):
        return 1
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(p.kind in kinds and p.default is p.empty for p in parameters)
