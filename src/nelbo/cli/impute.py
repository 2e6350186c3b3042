"""`nelbo impute`."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from nelbo.cli.options import RunArgument, SeedOption, new_file, run_transform
from nelbo.data import Examples
from nelbo.data.numpy_files import read_npy
from nelbo.data.table import column_names, read_csv
from nelbo.errors import BadValue
from nelbo.evaluate import impute as filled_in
from nelbo.files import write_atomically
from nelbo.train import load


def impute(
    run: RunArgument,
    data: Annotated[
        Path, typer.Argument(metavar="DATA", help="A .csv with empty cells, or a .npy with NaN.")
    ],
    out: Annotated[Path, typer.Option(help="A .csv or .npy, whole.")] = Path("filled.csv"),
    samples: Annotated[int, typer.Option(min=1, help="Latents drawn for each example.")] = 100,
    seed: SeedOption = 0,
) -> None:
    """Fill in what is missing: expectations, and of categories the most probable one.

    **nelbo impute runs/table mine.csv --out filled.csv**
    """
    new_file(out)
    if out.suffix not in (".csv", ".npy"):
        got, fix = f"'{out.name}'", "Name it filled.csv."
        raise BadValue("out", expected="a .csv or .npy", got=got, fix=fix)
    model = load(run)
    if not model.missing:
        fix = "Train with --missing."
        raise BadValue(f"run {run}", expected="a model that takes gaps", got="none", fix=fix)
    if model.covariates:
        got, fix = f"{model.covariates} of them", "Use nelbo.impute(model, rows) in Python."
        raise BadValue(f"run {run}", expected="a model without covariates", got=got, fix=fix)
    x, names = _read(data)
    transform = run_transform(run)
    full = transform.undone(filled_in(model, Examples(x, transform), samples, seed)).numpy()
    # what was there stays as it was, to the last digit
    _write(out, np.where(np.isnan(x), full, x), names)
    typer.echo(f"{out}: {int(np.isnan(x).sum()):,} entries filled in")


def _read(path: Path) -> tuple[np.ndarray, list[str]]:
    """Return a table in its own order, and the names of its columns."""
    if not path.is_file() or path.suffix.lower() not in (".csv", ".npy"):
        expected, fix = "a .csv or .npy that is there", "Convert it with numpy.save."
        raise BadValue("data", expected=expected, got=f"'{path}'", fix=fix)
    if path.suffix.lower() == ".npy":
        return np.asarray(read_npy(path).train, dtype=np.float32), []
    return np.asarray(read_csv(path).train), column_names(path)


def _write(path: Path, x: np.ndarray, names: list[str]) -> None:
    buffer = io.BytesIO()
    if path.suffix == ".npy":
        np.save(buffer, x)
    else:
        rows = x.reshape(len(x), -1)
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerows([names] * bool(names))
        writer.writerows([str(value) for value in row] for row in rows)  # as few digits as tell it
        buffer.write(text.getvalue().encode())
    write_atomically(path, buffer.getvalue())
