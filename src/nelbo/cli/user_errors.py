"""Errors that the user's own code raises: one line each, which names the user's file and line."""

from __future__ import annotations

import linecache
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nelbo
from nelbo.errors import BadValue, NelboError

_OURS = Path(nelbo.__file__).parent
LONGEST = 60  # characters of a line that are shown
_INSTALLED = {"site-packages", "dist-packages"}


@contextmanager
def with_its_own_line(where: str, folder: Path) -> Iterator[None]:
    """Turn what code in this folder raises within the block into one line of ours.

    Raises:
        ValueError: the code raised; an error that has nothing to do with it stays as it is.
    """
    try:
        yield
    except NelboError as error:
        place = _place(error.__cause__ or error, folder)
        if place is None:
            raise
        what = f"{error.what}, {place}"
        raise type(error)(what, expected=error.expected, got=error.got, fix=error.fix) from None
    except SyntaxError as error:
        raise _not_python(error, where) from None
    except SystemExit:
        fix = 'Put what it does as a script under if __name__ == "__main__":.'
        raise BadValue(where, expected="code to import", got="an exit", fix=fix) from None
    except Exception as error:
        place = _place(error, folder)
        if place is None and "null byte" not in str(error):
            raise
        raise _raised(place or where, error) from None


def lies_in(file: str | None, folder: Path) -> bool:
    """Return whether a file is the user's own: in this folder, neither installed nor nelbo's."""
    if not file:
        return False
    path = Path(file)
    own = path.is_relative_to(folder) and not _INSTALLED & set(path.parts)
    return own and not path.is_relative_to(_OURS)


def _place(error: BaseException, folder: Path) -> str | None:
    """Return the innermost line of the user's own code on the way to an error."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if lies_in(frame.filename, folder)]
    if not own:
        return None
    file, number = own[-1].filename, own[-1].lineno or 0
    linecache.checkcache(file)
    line = _short(linecache.getline(file, number))
    return f"{Path(file).name} line {number}" + (f" `{line}`" if line else "")


def _short(line: str) -> str:
    return line.strip() if len(line.strip()) <= LONGEST else f"{line.strip()[:LONGEST]}..."


def _raised(place: str, error: Exception) -> BadValue:
    said = str(error).strip().splitlines()
    got = type(error).__name__ + (f": {said[0].rstrip('.')}" if said else "")
    missing = isinstance(error, ModuleNotFoundError)
    fix = "Install it beside nelbo." if missing else "Mend that line, or call it with other data."
    return BadValue(place, expected="code that runs", got=got, fix=fix)


def _not_python(error: SyntaxError, where: str) -> BadValue:
    place = Path(error.filename).name if error.filename else where
    place += f" line {error.lineno}" if error.lineno else ""
    place += f" `{_short(error.text)}`" if error.text else ""
    got = f"{type(error).__name__}: {error.msg}"
    return BadValue(place, expected="Python code", got=got, fix="Mend that line.")
