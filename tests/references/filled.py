"""Weights that both sides of a comparison know, and averages over Gaussian noise."""

import numpy as np
import torch
from torch.distributions import Distribution


def values(index, *shape):
    """Return the weights of a module's parameter of this index."""
    return 0.4 * np.sin(index + np.arange(np.prod(shape))).reshape(shape)


def fill(module):
    """Give a module's parameters these values."""
    with torch.no_grad():
        for index, parameter in enumerate(module.parameters()):
            parameter.copy_(torch.from_numpy(values(index, *parameter.shape)))


def zuko():
    """Return zuko, without letting it switch off the checks of torch's distributions."""
    validate = Distribution._validate_args
    import zuko

    Distribution.set_default_validate_args(validate)
    return zuko


def zuko_flow(kind, *arguments, **options):
    """Return the transformation of a flow of zuko's, as wide and smooth as nelbo's, filled."""
    flow = getattr(zuko().flows, kind)(
        *arguments, hidden_features=(8, 8), activation=torch.nn.ELU, **options
    ).double()
    fill(flow)
    return flow.transform


def noise(count=16):
    """Return points u of three latents, [n, 3], and weights of the mean over N(0, I), [n]."""
    x, w = np.polynomial.hermite_e.hermegauss(count)
    points = np.stack(np.meshgrid(x, x, x, indexing="ij"), -1).reshape(-1, 3)
    weights = np.einsum("i,j,k->ijk", w, w, w).ravel()
    return points, weights / weights.sum()


def moments(push):
    """Return functions of the outputs: mean and variance of push(u, outputs), [n, batch, 3]."""
    points, weights = noise()

    def mean(o):
        return np.einsum("n,nbk->bk", weights, push(points[:, None], o))

    def variance(o):
        return np.einsum("n,nbk->bk", weights, (push(points[:, None], o) - mean(o)) ** 2)

    return {"mean": mean, "variance": variance}
