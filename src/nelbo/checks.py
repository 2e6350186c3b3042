"""What a model refuses when it is built."""

from __future__ import annotations

import inspect
import math
import weakref
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from torch import distributed, nn

from nelbo.errors import BadType, BadValue

T = TypeVar("T")


def shape(data_shape: Sequence[int] | int) -> tuple[int, ...]:
    """Return the shape of an example; ValueError where it is empty."""
    sizes = (data_shape,) if isinstance(data_shape, int) else tuple(int(d) for d in data_shape)
    if not sizes or min(sizes) < 1:
        raise BadValue(
            "data_shape",
            expected="at least one positive integer",
            got=data_shape,
            fix="For example (1, 28, 28).",
        )
    return sizes


def count(name: str, value: int, least: int, usual: int | None = None) -> int:
    """Return an integer of at least `least`; a message names the `usual` one."""
    usual = (20 if least else 0) if usual is None else usual
    if not isinstance(value, int) or isinstance(value, bool):
        raise BadType(name, expected="an integer", got=f"{value!r}", fix=f"Try {usual}.")
    if value < least:
        expected = f"an integer of at least {least}"
        raise BadValue(name, expected=expected, got=value, fix=f"Try {usual}.")
    return value


def positive(name: str, value: float, fix: str) -> float:
    """Return a finite number above 0.

    Example:
        >>> positive("scale", -1.0, fix="Try 1.")
        Traceback (most recent call last):
        nelbo.errors.BadValue: scale: expected a positive number, got -1.0. Try 1.

    """
    if not 0 < value < math.inf:
        raise BadValue(name, expected="a positive number", got=value, fix=fix)
    return value


def not_negative(name: str, value: float, fix: str) -> float:
    """Return a finite number of at least 0."""
    if not 0 <= value < math.inf:
        raise BadValue(name, expected="a number of at least 0", got=value, fix=fix)
    return value


def within(name: str, value: float, interval: str, fix: str) -> float:
    """Return a number of an interval that is written as usual.

    Example:
        >>> within("momentum", 0.99, "[0, 1)", fix="Try 0.9.")
        0.99

    """
    low, high = (float(end) for end in interval[1:-1].split(","))
    at_end = (value == low and interval[0] == "[") or (value == high and interval[-1] == "]")
    if not (at_end or low < value < high):
        raise BadValue(name, expected=f"a number in {interval}", got=value, fix=fix)
    return value


def sizes(name: str, given: tuple[int, ...] | int, example: str) -> tuple[int, ...]:
    """Return sizes of layers or levels as a tuple; one size may be a bare number.

    Args:
        name: of the argument.
        given: by the user.
        example: of what would be right, for the message.

    Raises:
        ValueError: a size is not a positive integer.

    Example:
        >>> sizes("hidden", 500, "(500, 500)")
        (500,)

    """
    found = (given,) if isinstance(given, int) else tuple(given)
    if not all(isinstance(size, int) and size >= 1 for size in found):
        raise BadValue(name, expected="positive integers", got=given, fix=f"For example {example}.")
    return found


def whole(what: str, latent: int, size: int) -> int:
    """Return how many vectors of `size` numbers there are in `latent`.

    Args:
        what: that size, for the message.
        latent: number of latents.
        size: by which they are divided.

    Raises:
        ValueError: it is no whole number of them.

    Example:
        >>> whole("the number of levels", latent=12, size=4)
        3

    """
    if latent % size:
        more = (latent // size + 1) * size
        raise BadValue(
            "latent",
            expected=f"a multiple of {size}, which is {what}",
            got=latent,
            fix=f"Try {more} (--latent {more}).",
        )
    return latent // size


def component(axis: str, value: T | None, kind: type[T], default: Callable[[], T]) -> T:
    """Return a component of its axis, by default the usual one; TypeError where it is none."""
    if value is None:
        return default()
    if not isinstance(value, kind):
        raise BadType(
            axis,
            expected=f"a {kind.__name__}",
            got=f"{value!r}",
            fix=f"Build one from a name: nelbo.registry.build('{axis}', name).",
        )
    return value


def unshared(*components: object) -> None:
    """Refuse components of another model: it would share its weights, or lose them to a new setup.

    What keeps nothing, such as a Bernoulli likelihood or one of a stated variance, may be in many.

    Args:
        components: of a model to be; None where it makes its own.

    Raises:
        ValueError: one is part of a model already.

    Example:
        >>> taken = nn.Linear(2, 2)
        >>> mark_owned(taken)
        >>> unshared(taken)
        Traceback (most recent call last):
        nelbo.errors.BadValue: component Linear: expected one that is part of no other model, got \
one that another model has set up. Make a second one, or pass copy.deepcopy of it.

    """
    parts = [m for c in components if isinstance(c, nn.Module) for m in c.modules()]
    for part in parts:
        mark = getattr(part, "_owned", None)
        if isinstance(mark, _Mark) and mark.of is not None and mark.of() is part:
            raise BadValue(
                f"component {type(part).__name__}",
                expected="one that is part of no other model",
                got="one that another model has set up",
                fix="Make a second one, or pass copy.deepcopy of it.",
            )


def mark_owned(*components: nn.Module) -> None:
    """Take note that components are part of a model, which is built."""
    for component in components:
        own = vars(component).keys() - vars(nn.Module()).keys()
        own -= inspect.signature(type(component)).parameters.keys()
        keeping = [part for part in component.modules() if part.state_dict()]
        if own or [*component.buffers(recurse=False)]:
            keeping.append(component)
        for part in keeping:
            part._owned = _Mark(part)  # pyright: ignore


class _Mark:
    """Whose a mark is: of that component alone, not of its copies, nor of what is unpickled."""

    def __init__(self, component: nn.Module | None = None) -> None:
        self.of = None if component is None else weakref.ref(component)

    def __reduce__(self) -> tuple[type[_Mark], tuple[()]]:
        return _Mark, ()


def same_maps(network: Any, posterior: Any) -> None:
    """Refuse a network and a posterior that are both of maps, but not of the same ones."""
    theirs, ours = (getattr(part, "levels", None) for part in (network, posterior))
    if _are_maps(theirs) and _are_maps(ours) and theirs != ours:
        raise BadValue(
            f"levels of {type(network).__name__}",
            expected=f"those of the posterior, {ours}",
            got=theirs,
            fix=f"Give the network levels={ours}, too.",
        )


def _are_maps(levels: object) -> bool:
    return isinstance(levels, tuple) and all(isinstance(level, tuple) for level in levels)


def same_measure(posterior: Any, prior: Any, fitting: Sequence[str] = ()) -> None:
    """Refuse a posterior and a prior whose densities are against different base measures."""
    if posterior.base_measure != prior.base_measure:
        raise BadValue(
            f"prior {type(prior).__name__}",
            expected=f"a {posterior.base_measure}, as {type(posterior).__name__} is",
            got=f"a {prior.base_measure}",
            fix=f"Use the prior {' or '.join(map(repr, fitting))}."
            if fitting
            else "Between different base measures there is no KL: see docs/catalogue.md for what "
            "goes together.",
        )


def alone(what: str, kept: str, fix: str) -> None:
    """Refuse several processes, for what each of them would keep for itself.

    Args:
        what: it.
        kept: what would differ between them, in the plural.
        fix: what to do.
    """
    if distributed.is_available() and distributed.is_initialized():
        if distributed.get_world_size() > 1:
            got = f"{distributed.get_world_size()}, whose {kept} would go their own ways"
            raise BadValue(what, expected="one process", got=got, fix=fix)
