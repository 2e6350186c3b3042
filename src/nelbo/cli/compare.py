"""`nelbo compare`."""

from __future__ import annotations

import math
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from nelbo import registry, report
from nelbo.cli.advice import GAP, advised
from nelbo.cli.options import JsonOption, SeedOption, print_json, with_hidden
from nelbo.compare import Comparison, Loss, Settings
from nelbo.compare import compare as run_comparison
from nelbo.errors import BadValue
from nelbo.report.words import strings
from nelbo.train import Callback, ProgressDisplay

FEW_STEPS = 500


def compare(
    data: Annotated[str, typer.Argument(metavar="DATA", help="mnist, fashion-mnist, or a path.")],
    out: Annotated[
        Path, typer.Option(help="Folder for the page, the picture and the runs.")
    ] = Path("compare"),
    lang: Annotated[
        str, typer.Option(metavar="en|zh", help="Language of page and picture.")
    ] = "en",
    epochs: Annotated[int, typer.Option(help="Passes over the data.")] = 6,
    latent: Annotated[int, typer.Option(help="Latent dimensions.")] = 20,
    hidden: Annotated[
        str, typer.Option(metavar="200,200", help="Sizes of the MLP's layers.")
    ] = "200,200",
    batch: Annotated[int, typer.Option(help="Examples a step.")] = 100,
    lr: Annotated[float, typer.Option(help="Adam's step size.")] = 1e-3,
    seed: SeedOption = 0,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with an interrupted one.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Answer the question: one VAE, five losses, trained side by side and explained.

    **nelbo compare mnist**

    **nelbo compare fashion-mnist --lang zh --out vergleich**

    **nelbo compare mine.npy --latent 8 --epochs 20**
    """
    strings(lang)  # refuses a language that it does not have
    folder = _folder(out, resume)
    settings = Settings(
        latent=latent,
        network=registry.build("network", with_hidden("mlp", hidden) or "mlp"),
        epochs=epochs,
        batch=batch,
        lr=lr,
        seed=seed,
    )
    try:
        with advised(GAP, "Leave incomplete rows out of the file."):
            found = run_comparison(data, settings, out=folder, resume=resume, watch=_Watch())
    except KeyboardInterrupt:
        _errors.print(
            f"Go on with: {_command()} --resume", highlight=False, markup=False, soft_wrap=True
        )
        raise
    found = replace(found, made={**found.made, "command": _command()})
    report.html.write(found, folder / "compare.html", lang)
    report.picture.write(found, folder / "compare.png", lang)
    report.json.write(found, folder / "compare.json")
    if as_json:
        print_json(report.json.comparison(found))
        return
    _say_if_too_short(found)
    console = Console(width=None if sys.stdout.isatty() else 100)
    console.print(report.text.comparison(found, lang))
    console.print(f"The page: {folder / 'compare.html'}", highlight=False, soft_wrap=True)


def _say_if_too_short(found: Comparison) -> None:
    """Say that a verdict needs some training: an unfinished model looks like a collapsed one."""
    epoch = math.ceil(found.train_examples / found.made["batch"])
    steps = epoch * found.made["epochs"]
    if steps < FEW_STEPS:
        enough = math.ceil(FEW_STEPS / epoch)
        text = f"{steps} steps are too few to tell what learns: use --epochs {enough}."
        _errors.print(f"[bold yellow]warning[/bold yellow] {text}", highlight=False, soft_wrap=True)


def _command() -> str:
    """Return the command that makes this comparison, without what only goes on with one."""
    return shlex.join(["nelbo", *(word for word in sys.argv[1:] if word != "--resume")])


class _Watch:
    """Have each loss announced, then its training shown."""

    def __init__(self) -> None:
        self._announced = 0

    def __call__(self, loss: Loss) -> Sequence[Callback]:
        self._announced += 1
        return [_Title(f"{self._announced}. {loss.name}"), ProgressDisplay(_errors)]


class _Title(Callback):
    """Print a title once the run has begun, so that what is refused is refused in one line."""

    def __init__(self, title: str) -> None:
        self.title = title

    def on_start(self, beliefs: Mapping[str, str], examples: int | None, epochs: int) -> None:
        _errors.print(f"\n[bold]{self.title}[/bold]", highlight=False)


_errors = Console(stderr=True)


def _folder(out: Path, resume: bool) -> Path:
    """Refuse a file, or a folder with other things in it, before any work."""
    runs = (out / "runs").is_dir()
    if not out.exists() or (out.is_dir() and (not any(out.iterdir()) or (runs and resume))):
        return out
    what = "holds another comparison" if runs else "holds other files"
    got = f"{out}, which {what if out.is_dir() else 'is a file'}"
    fix = "Choose another --out" + (", or go on with that one by --resume." if runs else ".")
    raise BadValue("out", expected="a new or empty folder", got=got, fix=fix)
