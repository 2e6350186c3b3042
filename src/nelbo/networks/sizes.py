"""Sizes of layers, as users give them."""

from __future__ import annotations

from nelbo.errors import BadValue


def sizes(name: str, given: tuple[int, ...] | int, example: str) -> tuple[int, ...]:
    """Return the sizes as a tuple; one size may be a bare number.

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
