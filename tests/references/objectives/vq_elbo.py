"""The ELBO minus a commitment, by its formula; the codes of these tests are at 0."""

import numpy as np

from tests.references.rows import ObjectiveRow


def committed(at, weight):
    return at.elbo - weight * np.sum(at.mu**2, axis=-1)


ROWS = {
    "vq_elbo": ObjectiveRow(lambda at: committed(at, 0.25)),
    "vq_elbo:commitment=2.0": ObjectiveRow(lambda at: committed(at, 2.0)),
}
