"""`nelbo data`: list, fetch, show."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from nelbo.cli.advice import check_no_run
from nelbo.cli.options import JsonOption, print_json
from nelbo.data import DATASETS, Data, Indexed, load
from nelbo.data.arrays import rows_at_once
from nelbo.data.header import Header
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
    check_no_run(data, "data show")
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
    seen = _Seen(data.train)
    gaps = {"missing_values": seen.missing} if seen.missing else {}
    return {
        "name": data.name,
        "training_examples": len(data.train),
        "test_examples": len(data.test),
        "shape": list(data.train.shape),
        **_columns(data.header),
        "smallest": seen.smallest,
        "largest": seen.largest,
        **gaps,
        **({} if gaps else _moments(data.train)),
        "checksum": data.checksum,
        "provenance": data.provenance,
    }


def _columns(header: Header) -> Mapping[str, object]:
    """Return what a table's columns are called, and the words of those of text."""
    names = header.names
    words = {names[i] if names else f"{i + 1}": list(w) for i, w in header.words.items()}
    return ({"columns": list(names)} if names else {}) | ({"words": words} if words else {})


def _moments(train: Indexed) -> dict[str, object]:
    found = moments(train)
    return {
        "mean": float(found.mean.mean()),
        "total_variance": float(found.variance.sum()),
        "largest_eigenvalues": found.spectrum()[:5].tolist(),
    }


class _Seen:
    """The range of data, and how many of its values are missing."""

    def __init__(self, data: Indexed) -> None:
        self.smallest, self.largest, self.missing = math.inf, -math.inf, 0
        for x in data.epoch(rows_at_once(data.shape)):
            there = x[~x.isnan()] if bool(x.sum().isnan()) else x
            self.missing += x.numel() - there.numel()
            if there.numel():
                self.smallest = min(self.smallest, float(there.min()))
                self.largest = max(self.largest, float(there.max()))


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{name}: {_plain(held)}" for name, held in value.items())
    if isinstance(value, list):
        return ", ".join(map(_plain, value))
    return f"{value:.4g}" if isinstance(value, float) else str(value)
