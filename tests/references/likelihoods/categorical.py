"""Categorical of both codings, from the definition of softmax."""

import numpy as np
from scipy.special import log_softmax, softmax

from tests.references.rows import LikelihoodRow


def _row(categories, unit) -> LikelihoodRow:
    values = np.arange(categories) / unit

    def last(a):
        return np.moveaxis(a, -4 if a.ndim > 3 else 0, -1)

    def log_density(x, a):
        k = np.rint(x * unit).astype(int)[..., None]
        return np.take_along_axis(log_softmax(last(a), -1), k, -1)[..., 0]

    def moment(a, power):
        return (softmax(last(a), -1) * values**power).sum(-1)

    return LikelihoodRow(
        log_density=log_density,
        mean=lambda a: moment(a, 1),
        variance=lambda a: moment(a, 2) - moment(a, 1) ** 2,
    )


ROWS = {
    "categorical": _row(256, 255),
    "categorical:categories=5,coding=levels": _row(5, 4),
    "categorical:categories=5,coding=tokens": _row(5, 1),
}
