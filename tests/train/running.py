"""Short runs that nobody watches."""

import nelbo

TERMS = ("reconstruction", "kl", "elbo")


def fit(model, x, **arguments):
    """Train for two epochs in batches of ten, unless told otherwise."""
    return nelbo.fit(model, x, **{"epochs": 2, "batch": 10, "callbacks": [], **arguments})


def fill(path, left=0):
    """Write a file until the disk is full, then give a few bytes back."""
    with open(path, "wb", buffering=0) as file:
        for size in (65536, 4096, 1):
            try:
                while file.write(b"\1" * size) == size:
                    pass
            except OSError:
                pass
        file.truncate(file.tell() - left)
