"""Lines of text that fit a width, for a picture, which cannot break them itself."""

from __future__ import annotations

from collections.abc import Callable

Measure = Callable[[str], float]
_CLOSING = "，。：；、）？！”"  # never at the start of a line


def balanced(text: str, room: float, width: Measure) -> list[str]:
    """Return the text in as few lines as fit, all of about the same length.

    Breaks at spaces and, in Chinese, between characters.

    Example:
        >>> balanced("one two three four", room=15, width=len)
        ['one two', 'three four']
    """
    pieces = [(piece, width(piece)) for piece in _pieces(text)]
    lines = _broken(pieces, room)
    for share in range(99, 50, -1):
        narrower = _broken(pieces, room * share / 100)
        if len(narrower) > len(lines):
            break
        lines = narrower
    return lines


def _broken(pieces: list[tuple[str, float]], room: float) -> list[str]:
    lines, used = [""], 0.0
    for piece, width in pieces:
        if lines[-1] and used + width > room:
            lines.append("")
            used = 0.0
        lines[-1] += piece
        used += width
    return [line.rstrip() for line in lines]


def _pieces(text: str) -> list[str]:
    """Split before each Chinese character and after each space."""
    pieces = [""]
    for before, character in zip(" " + text, text, strict=False):
        wide = _is_wide(character) or _is_wide(before)
        if before == " " or (wide and character not in _CLOSING and character != " "):
            pieces.append("")
        pieces[-1] += character
    return [piece for piece in pieces if piece]


def _is_wide(character: str) -> bool:
    return character >= "\u2e80"
