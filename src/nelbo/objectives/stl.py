"""The ELBO with the gradient of the path alone."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from nelbo.checks import count
from nelbo.objectives.base import Objective
from nelbo.registry import register
from nelbo.terms import Terms


# d/d phi E[log w(z(phi))] without the score d log q(z; phi)/d phi at fixed z, whose mean is 0
#                                                                            Roeder et al. 2017
@register("objective", "stl")
@dataclass(frozen=True)
class STL(Objective):
    """The ELBO, sticking the landing: where q(z|x) is the posterior, its gradient has no noise.

    Source: Roeder, Wu & Duvenaud 2017, Sticking the landing.

    Args:
        samples: latents drawn for each example.

    Example:
        >>> STL().belief
        'ELBO, path gradient (sticking the landing)'

    """

    samples: int = 1

    def __post_init__(self) -> None:
        count("samples", self.samples, least=1, usual=5)

    def __call__(self, terms: Terms) -> Float[Tensor, " batch"]:
        """Return the bound of each example, [batch]."""
        return (terms.log_px + terms.log_pz - terms.log_qz_path).mean(0)

    @property
    def belief(self) -> str:
        """What is maximised."""
        return "ELBO, path gradient (sticking the landing)"
