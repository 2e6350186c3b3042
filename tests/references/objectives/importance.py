"""The bounds made of importance weights, by numpy from the papers."""

import numpy as np
from scipy.special import logsumexp

from tests.references.rows import ObjectiveRow


def bound(log_w):
    return logsumexp(log_w, axis=0) - np.log(len(log_w))


def bounds(log_w, groups):
    parts = np.split(log_w, groups)
    return np.mean([bound(part) for part in parts], axis=0)


def renyi(log_w, alpha):
    return np.log(np.mean(np.exp(log_w * (1 - alpha)), axis=0)) / (1 - alpha)


ROWS = {
    "iwae:samples=8": ObjectiveRow(lambda at: bound(at.log_w)),
    "dreg:samples=8": ObjectiveRow(lambda at: bound(at.log_w)),
    "miwae:samples=8,groups=2": ObjectiveRow(lambda at: bounds(at.log_w, 2)),
    "piwae:samples=8,groups=2": ObjectiveRow(lambda at: bound(at.log_w)),
    "ciwae:elbo=0.25,samples=8": ObjectiveRow(
        lambda at: 0.25 * at.log_w.mean(0) + 0.75 * bound(at.log_w)
    ),
    "renyi:alpha=0.5,samples=8": ObjectiveRow(lambda at: renyi(at.log_w, 0.5)),
    "renyi:alpha=2.0,samples=8": ObjectiveRow(lambda at: renyi(at.log_w, 2.0)),
    "stl:samples=8": ObjectiveRow(lambda at: at.log_w.mean(0)),
}
