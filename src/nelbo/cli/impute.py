"""`nelbo impute`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from nelbo.cli.examples import write_cells, write_table
from nelbo.cli.options import RunArgument, SeedOption, new_file, run_header, run_transform
from nelbo.data import Examples
from nelbo.data.header import Header
from nelbo.data.numpy_files import read_npy
from nelbo.data.table import read_cells, read_csv
from nelbo.errors import BadValue
from nelbo.evaluate import impute as filled_in
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
    if out.exists() and data.exists() and out.samefile(data):
        got, fix = f"'{out}', which is the data", f"Name it {data.stem}-filled{out.suffix}."
        raise BadValue("out", expected="another file than the data", got=got, fix=fix)
    model = load(run)
    if not model.missing:
        fix = "Train with --missing."
        raise BadValue(f"run {run}", expected="a model that takes gaps", got="none", fix=fix)
    if model.covariates:
        got, fix = f"{model.covariates} of them", "Use nelbo.impute(model, rows) in Python."
        raise BadValue(f"run {run}", expected="a model without covariates", got=got, fix=fix)
    known = run_header(run)
    x, header = _read(data, known)
    transform = run_transform(run)
    full = transform.undone(filled_in(model, Examples(x, transform), samples, seed)).numpy()
    gaps = np.isnan(x)
    # what was there stays as it was, to the last digit
    if data.suffix.lower() == out.suffix == ".csv":
        write_cells(out, header.names, map(header.filled, full, read_cells(data), gaps))
    else:
        write_table(out, np.where(gaps, full, x), header)
    typer.echo(f"{out}: {int(gaps.sum()):,} entries filled in")


def _read(path: Path, known: Header) -> tuple[np.ndarray, Header]:
    """Return a table in its own order and the codes of the training data, and its header."""
    if not path.is_file() or path.suffix.lower() not in (".csv", ".npy"):
        expected, fix = "a .csv or .npy that is there", "Convert it with numpy.save."
        raise BadValue("data", expected=expected, got=f"'{path}'", fix=fix)
    if path.suffix.lower() == ".npy":
        return np.asarray(read_npy(path).train, dtype=np.float32), known
    parts = read_csv(path)
    x = known.recoded(np.asarray(parts.train), parts.header, str(path))
    return x, Header(parts.header.names, known.words)
