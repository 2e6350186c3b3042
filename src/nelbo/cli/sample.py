"""`nelbo sample`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nelbo.cli.options import RunArgument, SeedOption, new_file, run_covariates, run_transform
from nelbo.report import grid
from nelbo.train import load


def sample(
    run: RunArgument,
    n: Annotated[int, typer.Option("--n", min=1, help="How many samples.")] = 64,
    seed: SeedOption = 0,
    out: Annotated[Path, typer.Option(help="A .png of a grid, or a .npy.")] = Path("samples.png"),
    covariates: Annotated[
        str | None,
        typer.Option(
            metavar="VALUES", help="Of all samples: a class, or a number for each column."
        ),
    ] = None,
) -> None:
    """Draw from the prior and decode: the decoder's means, without its noise.

    **nelbo sample runs/first --n 100 --seed 1 --out samples.png**

    **nelbo sample runs/conditional --covariates 3**
    """
    new_file(out)
    model = load(run)
    grid.check_ending(out, model.data_shape)
    y = run_covariates(run, covariates)
    made = model.sample(n, seed=seed, y=None if y is None else y.expand(n, -1))
    made = run_transform(run).undone(made)
    grid.write(made.split(max(1, round(n**0.5))), out, made)
    typer.echo(f"{out}: {n} samples")
