"""Examples as files: images as a picture, tables under the names and words of their columns."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
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
from nelbo.rng import seeded

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
    buffer = io.BytesIO()
    if out.suffix == ".npy":
        np.save(buffer, x)
    else:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerows([header.names] * bool(header.names))
        writer.writerows(header.cells(row) for row in x.reshape(len(x), -1))
        buffer.write(text.getvalue().encode())
    write_atomically(out, buffer.getvalue())


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
    with seeded(seed), torch.no_grad():
        p = model.marginal(y)
        z = p.sample(torch.Size((1,) if p.batch_shape else (1, n)))
        return _expected(model.decode(z, y))


@torch.no_grad()
def reconstructed(model: VAE, rows: Tensor) -> Tensor:
    """Return reconstructions as `VAE.reconstruct` does, but the most probable of categories."""
    if grid.is_image(model.data_shape):
        return model.reconstruct(rows)
    q = model.encode(rows)
    z = getattr(q, "centre", None)
    return _expected(model.decode((q.mean if z is None else z)[None], model.inputs.split(rows)[1]))


def _expected(px: Distribution) -> Tensor:
    """Return of p(x|z), one sample of z, what `impute` would fill in."""
    return torch.cat([piece.estimate(piece.each[0]) for piece in pieces(px)], dim=-1)
