"""`nelbo sample`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nelbo.cli import examples
from nelbo.cli.options import (
    RunArgument,
    SeedOption,
    run_covariates,
    run_header,
    run_transform,
)
from nelbo.report import grid
from nelbo.train import load


def sample(
    run: RunArgument,
    n: Annotated[int, typer.Option("--n", min=1, help="How many samples.")] = 64,
    seed: SeedOption = 0,
    out: Annotated[
        Path | None,
        typer.Option(
            help="A .png of a grid, or a .npy; of tables a .csv or .npy. "
            "[default: samples.png, samples.csv where columns have names, samples.npy]"
        ),
    ] = None,
    covariates: Annotated[
        str | None,
        typer.Option(
            metavar="VALUES", help="Of all samples: a class, or a number for each column."
        ),
    ] = None,
) -> None:
    """Draw from the prior and decode: the decoder's means, without its noise.

    Of a table's categories it is the most probable one; a column of words gets its words back.

    **nelbo sample runs/first --n 100 --seed 1 --out samples.png**

    **nelbo sample runs/table --n 1000 --out samples.csv**

    **nelbo sample runs/conditional --covariates 3**
    """
    model, header = load(run), run_header(run)
    out = examples.place(out, "samples", model.data_shape, header)
    y = run_covariates(run, covariates)
    made = examples.drawn(model, n, seed, None if y is None else y.expand(n, -1))
    made = run_transform(run).undone(made)
    examples.write(out, made, header, made.split(max(1, round(n**0.5))))
    typer.echo(f"{out}: {n} samples" + examples.EXPECTED * (not grid.is_image(model.data_shape)))
