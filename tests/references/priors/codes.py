"""Priors over three codes of three each: in the model of nelbo.testing latents are -1, 0 or 1."""

import numpy as np
from scipy import special

from tests.references.filled import fill, values
from tests.references.rows import PriorRow

HIDDEN = 4


def _uniform(z):
    return np.full(z.shape[:-1], -3 * np.log(3))


def _autoregressive(z):
    """NADE as Larochelle & Murray 2011 write it, code by code."""
    seen, context = values(0, 3, 3, HIDDEN), values(1, 3, HIDDEN)
    weight, bias = values(2, 3, HIDDEN, 3), values(3, 3, 3)
    codes = np.round(z + 1).astype(int)
    total = 0.0
    for g in range(3):
        before = context[g] + sum(seen[j, codes[j]] for j in range(g))
        total += special.log_softmax(np.tanh(before) @ weight[g] + bias[g])[codes[g]]
    return total


ROWS = {
    "uniform_codes": PriorRow(log_density=_uniform),
    f"autoregressive_codes:hidden={HIDDEN}": PriorRow(
        log_density=np.vectorize(_autoregressive, signature="(k)->()"), weights=fill
    ),
}
