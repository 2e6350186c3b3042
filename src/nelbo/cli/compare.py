"""`nelbo compare`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from nelbo import registry, report
from nelbo.cli.options import JsonOption, SeedOption, print_json, with_hidden
from nelbo.compare import Loss, Settings
from nelbo.compare import compare as run_comparison
from nelbo.errors import BadValue, nearest
from nelbo.train import Callback, Interrupted, ProgressDisplay

LANGUAGES = ("en", "zh")


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
    language = _language(lang)
    folder = _folder(out, resume)
    settings = Settings(
        latent=latent,
        network=registry.build("network", with_hidden("mlp", hidden)),
        epochs=epochs,
        batch=batch,
        lr=lr,
        seed=seed,
    )
    try:
        found = run_comparison(data, settings, out=folder, resume=resume, watch=_Watch())
    except Interrupted:
        _errors.print(f"Go on with: nelbo {' '.join(sys.argv[1:])} --resume", highlight=False)
        raise
    report.html.write(found, folder / "compare.html", language)
    report.picture.write(found, folder / "compare.png", language)
    report.json.write(found, folder / "compare.json")
    if as_json:
        print_json(report.json.comparison(found))
        return
    console = Console()
    console.print(report.text.comparison(found, language))
    console.print(f"The page: {folder / 'compare.html'}", highlight=False, soft_wrap=True)


class _Watch:
    """Announce each loss, then show its training."""

    def __init__(self) -> None:
        self._announced = 0

    def __call__(self, loss: Loss) -> Sequence[Callback]:
        self._announced += 1
        _errors.print(f"\n[bold]{self._announced}. {loss.name}[/bold]", highlight=False)
        return [ProgressDisplay(_errors)]


_errors = Console(stderr=True)


def _language(lang: str) -> str:
    if lang not in LANGUAGES:
        fix = nearest(lang, LANGUAGES)
        raise BadValue("lang", expected="a known language", got=f"'{lang}'", fix=fix)
    return lang


def _folder(out: Path, resume: bool) -> Path:
    """Refuse a folder with other things in it, before any work."""
    if out.is_file() or (out.is_dir() and any(out.iterdir()) and not resume):
        got = f"{out}, which holds " + ("another run" if (out / "runs").is_dir() else "other files")
        fix = "Choose another --out, or go on with an interrupted comparison by --resume."
        raise BadValue("out", expected="a new or empty folder", got=got, fix=fix)
    return out
