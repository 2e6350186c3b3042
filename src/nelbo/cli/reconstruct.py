"""`nelbo reconstruct`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import torch
import typer

from nelbo.cli import examples
from nelbo.cli.options import DataOption, RunArgument, run_data, run_header
from nelbo.report import grid
from nelbo.rng import seeded
from nelbo.train import load


def reconstruct(
    run: RunArgument,
    data: DataOption = None,
    n: Annotated[int, typer.Option("--n", min=1, help="How many test examples.")] = 10,
    out: Annotated[
        Path | None,
        typer.Option(
            help="A .png of originals above reconstructions, or a .npy of the latter; of tables a "
            ".csv or .npy. [default: reconstructions.png, reconstructions.csv where columns have "
            "names, reconstructions.npy]"
        ),
    ] = None,
) -> None:
    """Reconstruct test examples: one of each class, then the next ones.

    Of a table's categories it is the most probable one; a column of words gets its words back.

    **nelbo reconstruct runs/first --n 20 --out reconstructions.png**
    """
    model, header = load(run), run_header(run)
    out = examples.place(out, "reconstructions", model.data_shape, header)
    test = run_data(run, data).test
    first = test.first_of_each_class(n)
    chosen = first + [i for i in range(min(n, len(test))) if i not in first][: n - len(first)]
    with seeded(0), torch.no_grad():
        rows = test[chosen]
        both = model.inputs.split(rows)[0], examples.reconstructed(model, rows)
        originals, made = (test.transform.undone(x) for x in both)
    examples.write(out, made, header, [originals, made])
    said = examples.EXPECTED * (not grid.is_image(model.data_shape))
    typer.echo(f"{out}: {len(made)} reconstructions{said}")
