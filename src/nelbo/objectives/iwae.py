"""The importance-weighted bound."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from nelbo.checks import count
from nelbo.formulas import log_mean_exp
from nelbo.objectives.base import Objective
from nelbo.registry import register
from nelbo.terms import Terms


# L_K(x) = E log (1/K) sum_k p(x, z_k) / q(z_k|x),   z_k ~ q(z|x)           Burda et al. 2015, (8)
@register("objective", "iwae")
@dataclass(frozen=True)
class IWAE(Objective):
    """The importance-weighted bound: at least the ELBO, at most log p(x), rising with `samples`.

    Source: Burda, Grosse & Salakhutdinov 2015, Importance weighted autoencoders, equation 8.

    Args:
        samples: K, latents drawn for each example.

    Example:
        >>> import torch, nelbo
        >>> model = nelbo.VAE(data_shape=(4,), latent=2)
        >>> objective = IWAE(samples=5)
        >>> objective(objective.terms(model, torch.ones(3, 4))).shape
        torch.Size([3])

    """

    samples: int = 5

    def __post_init__(self) -> None:
        count("samples", self.samples, least=1, usual=5)

    def __call__(self, terms: Terms) -> Float[Tensor, " batch"]:
        """Return the bound of each example, [batch]."""
        return log_mean_exp(terms.log_w)

    @property
    def belief(self) -> str:
        """What is maximised."""
        return f"IWAE, the bound of {self.samples} samples"
