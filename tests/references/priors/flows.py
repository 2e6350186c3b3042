"""Autoregressive flows, from zuko's own distributions of the same weights."""

import numpy as np
import torch
from torch.distributions import Independent, Normal

from tests.references.filled import fill, moments, zuko, zuko_flow
from tests.references.rows import PriorRow

FLOW = zuko_flow("MAF", 3, transforms=2)
BASE = Independent(Normal(torch.zeros(3).double(), 1.0), 1)


def _row(to_noise):
    @torch.no_grad()
    def log_density(z):
        flow = zuko().distributions.NormalizingFlow(to_noise, BASE)
        return flow.log_prob(torch.from_numpy(z)).numpy()

    @torch.no_grad()
    def push(u, _):
        return to_noise.inv(torch.from_numpy(u)).numpy()

    stated = {name: moment(np.zeros(1))[0] for name, moment in moments(push).items()}
    return PriorRow(log_density=log_density, weights=fill, **stated)


ROWS = {
    "maf:layers=2,hidden=8": _row(FLOW(None)),
    "iaf_prior:layers=2,hidden=8": _row(FLOW(None).inv),
}
