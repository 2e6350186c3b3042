"""Finite scalar quantisation, as in the listing of Mentzer et al. 2023, appendix A.1."""

import numpy as np

from tests.references.posteriors.vq import row
from tests.references.rows import unchanged


def quantise(z, levels):
    levels = np.tile(levels, z.shape[-1] // len(levels))
    half_l = (levels - 1) * (1 - 1e-3) / 2
    offset = np.where(levels % 2 == 1, 0.0, 0.5)
    shift = np.tan(offset / half_l)
    return np.round(np.tanh(z + shift) * half_l - offset) / (levels // 2)


ROWS = {
    "fsq:levels=(3,5,4)": row(lambda o: quantise(o, (3, 5, 4)), unchanged),
    "fsq:levels=(8,)": row(lambda o: quantise(o, (8,)), unchanged),
    "fsq:levels=(2,)": row(lambda o: quantise(o, (2,)), unchanged),
}
