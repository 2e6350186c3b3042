"""A second VAE whose decoder does not hear of u: a Gaussian, at which its bound is tight."""

import numpy as np
import torch
from scipy import stats

from tests.references.filled import values
from tests.references.rows import PriorRow

MEAN, VARIANCE = values(1, 3), np.exp(values(2, 3))
CENTRE, SCALE = values(3, 3), np.exp(values(4, 3))


def _weights(prior):
    with torch.no_grad():
        prior.decoder.last.bias.copy_(torch.from_numpy(MEAN))
        prior.logvar.copy_(torch.from_numpy(np.log(VARIANCE)))
        prior.centre.copy_(torch.from_numpy(CENTRE))
        prior.scale.copy_(torch.from_numpy(SCALE))


ROWS = {
    "two_stage:hidden=8": PriorRow(
        log_density=lambda z: stats.norm.logpdf(
            z, CENTRE + SCALE * MEAN, SCALE * np.sqrt(VARIANCE)
        ).sum(-1),
        mean=CENTRE + SCALE * MEAN,
        variance=SCALE**2 * VARIANCE,
        weights=_weights,
    )
}
