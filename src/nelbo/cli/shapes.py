"""Code that takes examples flattened, as most losses for images do."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeVar

from nelbo.data import Indexed
from nelbo.errors import NelboError

T = TypeVar("T")


def flattened(data: Indexed, work: Callable[[Indexed], T]) -> tuple[T, bool]:
    """Return what `work` makes of the data, flattened only where the user's code asks for it.

    The first error counts: an example that is refused in both shapes is refused as it is stored.
    """
    try:
        return work(data), False
    except NelboError as error:
        if error.__cause__ is None or len(data.shape) < 2:  # not the user's code
            raise
        try:
            return work(data.flattened()), True
        except NelboError:
            raise error from error.__cause__


def shape_text(data: Indexed, flat: bool) -> str:
    """Return the shape in which the user's code is given the examples.

    Example:
        >>> import torch
        >>> from nelbo.data import Examples
        >>> shape_text(Examples(torch.zeros(2, 3, 4)), flat=True)
        '[3, 4], flattened to [12]'
    """
    shape = f"{list(data.shape)}"
    return f"{shape}, flattened to [{math.prod(data.shape)}]" if flat else shape
