"""The command's root, its exit codes and its one form of error."""

from __future__ import annotations

import os
import sys
import time
import warnings
from collections.abc import Sequence
from importlib.metadata import version
from typing import Annotated

import typer
from rich.console import Console

from nelbo.cli import (
    audit,
    compare,
    data,
    diagnose,
    evaluate,
    fit_prior,
    forecast,
    impute,
    reconstruct,
    sample,
    suggest,
    train,
)
from nelbo.errors import BadValue, Failed, NelboError, NelboWarning
from nelbo.world import first_here, launched, leave, left_alone

FAILED, WRONG_USE, INTERRUPTED = 1, 2, 130
HEARD = 10.0  # seconds in which a machine's first process has said what is wrong with all
TOGETHER = ("train", "evaluate")  # what several processes do

_OTHERS = Failed(
    "the other processes",
    expected="all of them, to the end",
    got="one that ended before",
    fix="See what it said; a run goes on with: nelbo train --resume RUN.",
)

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command("train")(train.train)
app.command("compare")(compare.compare)
app.command("suggest")(suggest.suggest)
app.command("audit")(audit.audit)
app.command("forecast")(forecast.forecast)
app.command("diagnose")(diagnose.diagnose)
app.command("evaluate")(evaluate.evaluate)
app.command("reconstruct")(reconstruct.reconstruct)
app.command("fit-prior")(fit_prior.fit_prior)
app.command("impute")(impute.impute)
app.command("sample")(sample.sample)
app.add_typer(data.app, name="data")


def _version(wanted: bool) -> bool:
    if wanted:
        typer.echo(f"nelbo {version('nelbo')}")
        raise typer.Exit
    return wanted


@app.callback()
def root(
    show: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the whole of an error.")] = False,
) -> None:
    """Variational autoencoders in nats per example, and why yours does not learn.

    Begin with **nelbo compare mnist**.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and leave with 0, 1 (failed), 2 (wrong use) or 130 (interrupted)."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    sys.exit(run([word for word in words if word != "--debug"], debug="--debug" in words))


def run(words: Sequence[str], debug: bool = False) -> int:
    """Run the command and return its exit code."""
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            _check_launched(words)
            code = int(app(list(words), standalone_mode=False) or 0)
            leave()
            return code
    except Exception as error:
        said = _OTHERS if left_alone(error) else error
        if not (first_here() or _is_own(said)):
            # it ends all of them by saying the same; where it does not, this is ours to say
            time.sleep(HEARD)
        code = _report(said)
        if debug or code is None:
            raise
        return code


def _check_launched(words: Sequence[str]) -> None:
    """Refuse verbs of which several processes would all do the same, and write the same files."""
    verb = next((word for word in words if not word.startswith("-")), "")
    if launched() and verb not in TOGETHER:
        got, fix = f"nelbo {verb}", f"Start it alone: nelbo {verb}."
        raise BadValue("launcher", expected="nelbo train or nelbo evaluate", got=got, fix=fix)


def _is_own(error: Exception) -> bool:
    """Whether an error may be this process's alone; what is wrong with the use is everybody's."""
    return not (isinstance(error, NelboError) or hasattr(error, "show"))


def _report(error: Exception) -> int | None:
    """Print one line for an error that has one, and return the exit code it stands for."""
    if isinstance(error, BrokenPipeError):
        # whoever read our output has gone: say nothing more, not even on closing
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    if isinstance(error, typer.Abort):
        return INTERRUPTED
    if hasattr(error, "exit_code") and hasattr(error, "show"):  # the parser's own errors
        error.show()  # type: ignore[attr-defined]
        return WRONG_USE
    if isinstance(error, RuntimeError) and "tried to allocate" in str(error).lower():
        error = MemoryError("not enough memory: take fewer examples, latents or units at a time")
    if isinstance(error, NelboError | OSError | MemoryError):
        text = _escaped(str(error) or type(error).__name__)
        line = f"[bold red]error[/bold red] {text}"
        Console(stderr=True).print(line, highlight=False, soft_wrap=True)
        wrong_use = isinstance(error, NelboError) and not isinstance(error, Failed)
        return WRONG_USE if wrong_use else FAILED
    return None


def _show_warning(message: Warning | str, category: type[Warning], *place: object) -> None:
    if not first_here():
        return
    text = _escaped(str(message))
    kind = "warning" if issubclass(category, NelboWarning) else category.__name__
    line = f"[bold yellow]{kind}[/bold yellow] {text}"
    Console(stderr=True).print(line, highlight=False, soft_wrap=True)


def _escaped(text: str) -> str:
    return text.replace("[", r"\[")
