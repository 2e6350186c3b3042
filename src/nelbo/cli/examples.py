"""Examples as files: images as a picture, tables under the names and words of their columns."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.distributions import Distribution

from nelbo.cli.options import new_file
from nelbo.data.header import Header
from nelbo.errors import BadValue
from nelbo.evaluate.impute import pieces
from nelbo.files import write_atomically
from nelbo.model import VAE
from nelbo.report import grid

EXPECTED = ": means, and of categories the most probable one"


def place(out: Path | None, stem: str, shape: tuple[int, ...], header: Header) -> Path:
    """Return where examples go, refused before any work if they cannot be written there.

    Args:
        out: as the user states it; None for the usual place.
        stem: of the usual place.
        shape: of an example.
        header: of the table that they are rows of.
    """
    image = grid.is_image(shape)
    if out is None:
        table = ".csv" if header.names or header.words else ".npy"
        out = Path(stem + (".png" if image else table))
    new_file(out)
    if image:
        grid.check_ending(out, shape)
    elif out.suffix not in (".csv", ".npy"):
        expected = f"a .csv or .npy, since examples of shape {list(shape)} are no images"
        fix = f"Name it {out.stem}.csv."
        raise BadValue("out", expected=expected, got=f"'{out.name}'", fix=fix)
    return out


def write(out: Path, made: Tensor, header: Header, pictures: Sequence[Tensor]) -> None:
    """Write examples, [n, *shape], or of images the rows of pictures as a .png."""
    if grid.is_image(tuple(made.shape[1:])):
        grid.write(pictures, out, made)
    else:
        write_table(out, made.numpy(force=True), header)


def write_table(out: Path, x: np.ndarray, header: Header) -> None:
    """Write rows as a .csv, words in the place of their codes, or the numbers as a .npy."""
    if out.suffix != ".npy":
        write_cells(out, header.names, map(header.cells, x.reshape(len(x), -1)))
        return
    buffer = io.BytesIO()
    np.save(buffer, x)
    write_atomically(out, buffer.getvalue())


def write_cells(out: Path, names: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write a .csv: the names of its columns, if they have any, and its rows."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([names] * bool(names))
    writer.writerows(rows)
    write_atomically(out, text.getvalue().encode())


def drawn(model: VAE, n: int, seed: int, y: Tensor | None) -> Tensor:
    """Return samples as `VAE.sample` does, but of a table's categories the most probable ones.

    Args:
        model: a trained one.
        n: how many.
        seed: of the draws.
        y: covariates, [n, covariates].
    """
    if grid.is_image(model.data_shape):
        return model.sample(n, seed=seed, y=y)
    with torch.no_grad():
        return _expected(model.generated(n, seed, y))


@torch.no_grad()
def reconstructed(model: VAE, rows: Tensor) -> Tensor:
    """Return reconstructions as `VAE.reconstruct` does, but the most probable of categories."""
    if grid.is_image(model.data_shape):
        return model.reconstruct(rows)
    return _expected(model.reconstruction(rows))


def _expected(px: Distribution) -> Tensor:
    """Return of p(x|z), one sample of z, what `impute` would fill in."""
    return torch.cat([piece.estimate(piece.each[0]) for piece in pieces(px)], dim=-1)
