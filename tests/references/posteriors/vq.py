"""Nearest codes, by numpy: codebooks are filled with stated numbers beforehand."""

import numpy as np
import torch

from tests.references.rows import PosteriorRow


def codebook(codes, dim, phase=0.0):
    return 1.5 * np.sin(np.arange(codes * dim).reshape(codes, dim) + phase)


def fill(module):
    for level, book in enumerate(getattr(module, "codebooks", None) or [module.codebook]):
        book.vectors.copy_(torch.from_numpy(codebook(book.codes, book.dim, level)))


def nearest(u, vectors):
    return vectors[((u[..., None, :] - vectors) ** 2).sum(-1).argmin(-1)]


def vq(o, codes, dim):
    return nearest(o.reshape(len(o), -1, dim), codebook(codes, dim)).reshape(len(o), -1)


def residual(o, codes, levels):
    sums, total = [], np.zeros_like(o)
    for level in range(levels):
        total = total + nearest(o - total, codebook(codes, o.shape[1], level))
        sums.append(total)
    return np.concatenate(sums, axis=1)


def row(mean, weights=fill):
    return PosteriorRow(
        log_density=lambda z, o: np.where(np.isclose(z, mean(o)).all(-1), 0.0, -np.inf),
        mean=mean,
        variance=lambda o: np.zeros_like(mean(o)),
        weights=weights,
    )


ROWS = {
    "vq:codes=7,dim=3": row(lambda o: vq(o, 7, 3)),
    "vq:codes=5,dim=1,decay=0.9,restart=5.0": row(lambda o: vq(o, 5, 1)),
    "residual_vq:codes=4,levels=3": row(lambda o: residual(o, 4, 3)),
    "residual_vq:codes=6,levels=1,decay=0.5,restart=1.0": row(lambda o: residual(o, 6, 1)),
}
