"""Spline flow, from zuko's own distribution of the same weights, shifted and scaled."""

import numpy as np
import torch
from torch.distributions import Independent, Normal

from tests.references.filled import fill, moments, zuko, zuko_flow
from tests.references.rows import PosteriorRow

FLOW = zuko_flow("NSF", 3, 3, bins=4, transforms=2)


@torch.no_grad()
def _log_density(z, o):
    sigma = np.exp(o[:, 3:6] / 2)
    base = Independent(Normal(torch.zeros(len(o), 3).double(), 1.0), 1)
    flow = zuko().distributions.NormalizingFlow(FLOW(torch.from_numpy(o[:, 6:])).inv, base)
    bent = torch.from_numpy((z - o[:, :3]) / sigma)
    return flow.log_prob(bent).numpy() - np.log(sigma).sum(-1)


@torch.no_grad()
def _push(u, o):
    u = torch.from_numpy(np.broadcast_to(u, (len(u), len(o), 3)).copy())
    bent = FLOW(torch.from_numpy(o[:, 6:]))(u).numpy()
    return o[:, :3] + np.exp(o[:, 3:6] / 2) * bent


ROWS = {
    "spline:layers=2,hidden=8,context=3,bins=4": PosteriorRow(
        log_density=_log_density, weights=fill, **moments(_push)
    ),
}
