"""`nelbo data`: list, fetch, show."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from nelbo.cli.options import JsonOption, print_json
from nelbo.data import DATASETS, Data, load
from nelbo.data.arrays import rows_at_once
from nelbo.doctor import moments
from nelbo.report import grid

app = typer.Typer(
    help="Data sets: list, fetch, show.\n\n**nelbo data show mnist**", no_args_is_help=True
)

DataArgument = Annotated[str, typer.Argument(metavar="DATA", help="A name or a path.")]


@app.command("list")
def list_() -> None:
    """List the data sets that have a name, and the forms your own may have.

    **nelbo data list**
    """
    table = Table("name", "what", "where", box=None, pad_edge=False)
    for name, (what, where) in DATASETS.items():
        table.add_row(name, what, where)
    forms = ".npy, .npz, .csv, .parquet, IDX, a folder of images or of parquet files"
    table.add_row("PATH", f"your own: {forms}", "where you say")
    Console().print(table)


@app.command()
def fetch(data: DataArgument) -> None:
    """Fetch a data set, check its checksums, and keep it in the cache.

    **nelbo data fetch fashion-mnist**
    """
    found = load(data)
    typer.echo(f"{found.name}: {len(found.train)} training and {len(found.test)} test examples")
    typer.echo(found.provenance)


@app.command()
def show(data: DataArgument, as_json: JsonOption = False) -> None:
    """Show what a data set is: sizes, range, the spectrum that decides what can be learned.

    **nelbo data show mnist**

    **nelbo data show mine.npz --json**
    """
    found = load(data)
    record = _record(found)
    if as_json:
        print_json(record)
        return
    console = Console()
    if console.color_system:  # the picture is made of colours
        for line in grid.preview(found.test[found.test.first_of_each_class(10)], console.width):
            console.print(line)
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in record.items():
        table.add_row(name.replace("_", " "), _plain(value))
    console.print(table)


def _record(data: Data) -> dict[str, object]:
    found = moments(data.train)
    extremes = [x.aminmax() for x in data.train.epoch(rows_at_once(data.train.shape))]
    spectrum = found.spectrum()
    return {
        "name": data.name,
        "training_examples": len(data.train),
        "test_examples": len(data.test),
        "shape": list(data.train.shape),
        "smallest": min(float(e.min) for e in extremes),
        "largest": max(float(e.max) for e in extremes),
        "mean": float(found.mean.mean()),
        "total_variance": float(found.variance.sum()),
        "largest_eigenvalues": spectrum[:5].tolist(),
        "checksum": data.checksum,
        "provenance": data.provenance,
    }


def _plain(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(_plain, value))
    return f"{value:.4g}" if isinstance(value, float) else str(value)
