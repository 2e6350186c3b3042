"""A fix as prose and code: what people read, and what they copy."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import Literal

LONG = 24  # characters; longer code stands on lines of its own
_ASSIGNMENT = re.compile(r"\b[a-z_]\w* = ")
_TAIL = r"(?:\([^()]*\)|\[[^\]]*\])*"
_CALL = re.compile(
    rf"(?:\b[A-Za-z_]\w*)?(?:\.[A-Za-z_]\w+{_TAIL})+|\b[A-Za-z_]\w*\([^()]*\){_TAIL}"
)


@dataclass(frozen=True)
class Piece:
    """A stretch of a fix: prose, code within it, or a block of code that stands alone."""

    text: str
    kind: Literal["prose", "code", "block"]


def pieces(fix: str) -> list[Piece]:
    """Return a fix as prose and code in turn.

    Code is what stands between backticks, an assignment, what follows a colon and is Python, and
    what is written as a call or with dots.

    Example:
        >>> [p.text for p in pieces("Sum it: loss = error.flatten(1).sum(1).mean().")]
        ['Sum it: ', 'loss = error.flatten(1).sum(1).mean()']
        >>> [(p.text, p.kind) for p in pieces("Remove .detach() around it.")]
        [('Remove ', 'prose'), ('.detach()', 'code'), (' around it.', 'prose')]
    """
    if "`" in fix:
        parts = fix.split("`")
        return [Piece(t, "code" if i % 2 else "prose") for i, t in enumerate(parts) if t]
    span = _line_of_code(fix)
    if span is None:
        return _with_calls(fix)
    before, code, after = fix[: span[0]], fix[slice(*span)], fix[span[1] :]
    if len(code) <= LONG:
        return [*_with_calls(before), Piece(code, "code"), *_with_calls(after)]
    return [*_with_calls(before), Piece(code, "block"), *_with_calls(after.lstrip(".,;: "))]


def _line_of_code(fix: str) -> tuple[int, int] | None:
    """Return where the first line of Python lies: an assignment, or all behind a colon."""
    for found in _ASSIGNMENT.finditer(fix):
        for end in _ends(fix, found.start()):
            if _kind(fix[found.start() : end]) is ast.Assign:
                return found.start(), end
    start = fix.find(": ") + 2 if ": " in fix else 0
    for end in _ends(fix, start) if start else (len(fix.rstrip(". ")),):
        if _kind(fix[start:end]) in (ast.Call, ast.BinOp, ast.UnaryOp):
            return start, end
    return None


def _ends(fix: str, start: int) -> list[int]:
    """Return the ends of words behind `start`, the last first, without what closes a sentence."""
    ends = [start + space.start() for space in re.finditer(r"(?=\s)|$", fix[start:])]
    return [start + len(fix[start:end].rstrip(".,;:")) for end in reversed(ends)]


def _kind(text: str) -> type[ast.AST] | None:
    """Return what a text is as Python: an assignment, or the kind of its one expression."""
    try:
        body = ast.parse(text).body if ". " not in text else []
    except (SyntaxError, ValueError):
        return None
    if len(body) != 1:
        return None
    return type(body[0].value) if isinstance(body[0], ast.Expr) else type(body[0])


def _with_calls(prose: str) -> list[Piece]:
    found, end = [], 0
    for call in _CALL.finditer(prose):
        found += [Piece(prose[end : call.start()], "prose"), Piece(call.group(), "code")]
        end = call.end()
    return [piece for piece in (*found, Piece(prose[end:], "prose")) if piece.text]
