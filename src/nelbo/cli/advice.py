"""Errors as the command line tells them: with the command or the option that mends them."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from nelbo import registry
from nelbo.errors import BadValue
from nelbo.train import RunFolder


def check_no_run(data: str, verb: str, options: Sequence[str] = ()) -> None:
    """Refuse the folder of a run, naming the command that is meant, of the data it was trained on.

    Args:
        data: what the user calls data.
        verb: of the command.
        options: what of the run's model the command takes, such as its likelihood.

    Raises:
        ValueError: it is the folder of a run.
    """
    if not _is_run(data):
        return
    config = RunFolder(data).config()
    name = config["data"].get("name")
    words = ["nelbo", *verb.split(), "DATA" if name is None else name]
    for option in options:
        words += [f"--{option}", registry.text(config["model"][option])]
    raise BadValue(
        "DATA",
        expected="data, a name or a path",
        got=f"{data}, which is the folder of a run",
        fix=f"For the data it was trained on: {shlex.join(words)}. What became of the model says "
        f"{shlex.join(['nelbo', 'diagnose', data])}.",
    )


def check_not_resumed(data: str | None) -> None:
    """Refuse to train on the folder of a run, which is meant to be gone on with."""
    if data is not None and _is_run(data):
        got = f"{data}, which is the folder of a run"
        fix = f"To go on with it: {shlex.join(['nelbo', 'train', '--resume', data])}."
        raise BadValue("DATA", expected="data, a name or a path", got=got, fix=fix)


def _is_run(data: str) -> bool:
    return Path(data).is_dir() and RunFolder(data).config_path.is_file()


@contextmanager
def advised(sign: str, fix: str, when: bool = True) -> Iterator[None]:
    """Give an error of the block another advice, one for the command line.

    Args:
        sign: what stands in such an error and in no other.
        fix: the advice.
        when: whether it holds.
    """
    try:
        yield
    except BadValue as error:
        if not when or sign not in str(error):
            raise
        raise BadValue(error.what, expected=error.expected, got=error.got, fix=fix) from None


GAP = "got NaN, a missing entry"  # which a forecast refuses
OUTSIDE = "data for Bernoulli: expected values in [0, 1]"  # of the default likelihood
CHOOSE = "Let the data decide: --likelihood auto."
