"""`nelbo reconstruct`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import torch
import typer

from nelbo.cli.options import DataOption, RunArgument, new_file, run_data
from nelbo.report import grid
from nelbo.rng import seeded
from nelbo.train import load


def reconstruct(
    run: RunArgument,
    data: DataOption = None,
    n: Annotated[int, typer.Option("--n", min=1, help="How many test examples.")] = 10,
    out: Annotated[
        Path,
        typer.Option(help="A .png of originals above reconstructions, or a .npy of the latter."),
    ] = Path("reconstructions.png"),
) -> None:
    """Reconstruct test examples: one of each class, then the next ones.

    **nelbo reconstruct runs/first --n 20 --out reconstructions.png**
    """
    new_file(out)
    model, test = load(run), run_data(run, data).test
    grid.check_ending(out, model.data_shape)
    first = test.first_of_each_class(n)
    chosen = first + [i for i in range(min(n, len(test))) if i not in first][: n - len(first)]
    with seeded(0), torch.no_grad():
        rows = test[chosen]
        both = model.inputs.split(rows)[0], model.reconstruct(rows)
        originals, made = (test.transform.undone(x) for x in both)
    grid.write([originals, made], out, made)
    typer.echo(f"{out}: {len(made)} reconstructions")
