"""What the likelihoods of real values have in common."""

from __future__ import annotations

from torch.distributions import constraints


class Reals:
    """What a likelihood of any finite values says about its data."""

    support = constraints.real
    domain = constraints.real
    base_measure = "density on R^D"
    requirement = "finite values"
    advice = "Every finite value is allowed."
