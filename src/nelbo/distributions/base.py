"""What the distributions of this folder share."""

from __future__ import annotations

from torch.distributions import Distribution, constraints


class Latents(Distribution):
    """A distribution over all the latents of an example, whose draws have a gradient.

    Its parameters are checked where they come from: they are an encoder's output.
    """

    has_rsample = True

    @property
    def arg_constraints(self) -> dict[str, constraints.Constraint]:
        """None."""
        return {}
