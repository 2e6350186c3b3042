"""`nelbo sample`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nelbo.cli.options import RunArgument, SeedOption, new_file
from nelbo.report import grid
from nelbo.train import load


def sample(
    run: RunArgument,
    n: Annotated[int, typer.Option("--n", min=1, help="How many samples.")] = 64,
    seed: SeedOption = 0,
    out: Annotated[Path, typer.Option(help="A .png of a grid, or a .npy.")] = Path("samples.png"),
) -> None:
    """Draw from the prior and decode: the decoder's means, without its noise.

    **nelbo sample runs/first --n 100 --seed 1 --out samples.png**
    """
    new_file(out)
    model = load(run)
    grid.check_ending(out, model.data_shape)
    made = model.sample(n, seed=seed)
    grid.write(made.split(max(1, round(n**0.5))), out, made)
    typer.echo(f"{out}: {n} samples")
