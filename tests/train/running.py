"""Short runs that nobody watches."""

import nelbo

TERMS = ("reconstruction", "kl", "elbo")


def fit(model, x, **arguments):
    """Train for two epochs in batches of ten, unless told otherwise."""
    return nelbo.fit(model, x, **{"epochs": 2, "batch": 10, "callbacks": [], **arguments})
