"""Inverse autoregressive flow, from zuko's own distribution of the same weights."""

import numpy as np
import torch
from torch.distributions import Independent, Normal

from tests.references.filled import fill, moments, zuko, zuko_flow
from tests.references.rows import PosteriorRow

FLOW = zuko_flow("MAF", 3, 3, transforms=2)


def _base(o):
    return Independent(Normal(o[:, :3], torch.exp(o[:, 3:6] / 2)), 1)


@torch.no_grad()
def _log_density(z, o):
    o = torch.from_numpy(o)
    flow = zuko().distributions.NormalizingFlow(FLOW(o[:, 6:]).inv, _base(o))
    return flow.log_prob(torch.from_numpy(z)).numpy()


@torch.no_grad()
def _push(u, o):
    u = torch.from_numpy(o[:, :3] + np.exp(o[:, 3:6] / 2) * u)
    return FLOW(torch.from_numpy(o[:, 6:]))(u).numpy()


ROWS = {
    "iaf:layers=2,hidden=8,context=3": PosteriorRow(
        log_density=_log_density, weights=fill, **moments(_push)
    ),
}
