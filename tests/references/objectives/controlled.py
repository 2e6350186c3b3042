"""The objectives that hold the KL or the reconstruction somewhere, by numpy from the papers."""

import numpy as np

from tests.references.rows import ObjectiveRow


def free_bits(at, nats):
    return at.log_px.mean(0) - np.maximum(nats, at.kl.mean(0)).sum()


def held(at, nats, gamma):
    return at.log_px.mean(0) - gamma * np.abs(at.kl.sum(-1) - nats)


def geco(at, nats, rate):
    """The first step moves after its value was taken: lambda = 1."""
    return at.elbo


def controlled(at, nats, kp, ki, start):
    error = nats - at.kl.sum(-1).mean()
    beta = kp / (1 + np.exp(error)) - ki * error + start
    return at.log_px.mean(0) - beta * at.kl.sum(-1)


ROWS = {
    "free_bits:nats=0.7": ObjectiveRow(lambda at: free_bits(at, 0.7)),
    "capacity:nats=2.0,gamma=3.0": ObjectiveRow(lambda at: held(at, 2.0, 3.0)),
    "capacity:nats=linear(steps=10,end=8),gamma=3.0": ObjectiveRow(
        lambda at: held(at, 2.4, 3.0), step=3
    ),
    "geco:nats=-5.0,rate=0.01,momentum=0.9": ObjectiveRow(lambda at: geco(at, -5.0, 0.01)),
    "control_vae:nats=3.0,proportional=0.01,integral=0.002,smallest=0.5,largest=4.0": ObjectiveRow(
        lambda at: controlled(at, 3.0, 0.01, 0.002, 1.0)
    ),
}
