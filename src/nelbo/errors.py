"""The one form of error message: what is wrong, what was expected, what came, what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class NelboError(Exception):
    """Base of every error that nelbo raises on purpose; its text is one line.

    Args:
        what: the thing that is wrong, as the user knows it (`"latent"`, `"runs/first"`).
        expected: what would have been right.
        got: what came instead.
        fix: one action that most likely mends it.

    Example:
        >>> print(BadValue("latent", expected="an integer of at least 1", got=0, fix="Try 20."))
        latent: expected an integer of at least 1, got 0. Try 20.

    """

    def __init__(self, what: str, *, expected: object, got: object, fix: str) -> None:
        self.what, self.expected, self.got, self.fix = what, expected, got, fix
        super().__init__(f"{what}: expected {expected}, got {got}. {fix}")

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.what, self.expected, self.got, self.fix))


def _rebuild(
    kind: type[NelboError], what: str, expected: object, got: object, fix: str
) -> NelboError:
    return kind(what, expected=expected, got=got, fix=fix)


class BadValue(NelboError, ValueError):
    """A value from the user is wrong: the command exits with 2."""


class BadType(NelboError, TypeError):
    """A value from the user is of the wrong type: the command exits with 2."""


class Failed(NelboError, RuntimeError):
    """Work that was asked for correctly could not be done: the command exits with 1."""


class NelboWarning(UserWarning):
    """Something is probably not what the user wants; the text names one action."""


def nearest(name: str, names: Iterable[str]) -> str:
    """Return the sentence that leads from a misspelt name to the right one.

    Example:
        >>> nearest("gausian", ["bernoulli", "gaussian"])
        "Did you mean 'gaussian'? Known: bernoulli, gaussian."

    """
    known = sorted(names)
    close = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.5)
    hint = f"Did you mean '{close[0]}'? " if close else ""
    return f"{hint}Known: {', '.join(known)}."
