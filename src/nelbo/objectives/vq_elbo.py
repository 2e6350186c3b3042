"""The evidence lower bound of a model with a codebook, with the encoder's commitment to it."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from nelbo import registry
from nelbo.checks import not_negative
from nelbo.errors import BadValue
from nelbo.objectives.base import Objective
from nelbo.terms import Terms


# log p(x|z) + log p(codes) - commitment |encoder(x) - sg(z)|^2
@registry.register("objective", "vq_elbo")
@dataclass(frozen=True)
class VQELBO(Objective):
    """The ELBO minus a weight on the squared distance of the encoder's output from its codes.

    Without it the encoder's output may grow away from codes that only follow it. The distance is
    no part of a density, so that the objective is below the bound; its weight is against nats:
    with log p(x|z) of another scale (binary, Gaussian of another variance) another one is right.
    The paper's 0.25 belongs to mean squared errors divided by the data's variance. `evaluate`
    reports the bound itself.

    Source: van den Oord, Vinyals & Kavukcuoglu 2017, Neural discrete representation learning,
    equation 3, whose second term the codebook's running means replace (appendix A.1).

    Args:
        commitment: nats a unit of squared distance, at least 0.

    Raises:
        ValueError: a negative weight; when called, a posterior without a codebook.

    Example:
        >>> import torch, nelbo
        >>> q, p = nelbo.posteriors.VQ(codes=4), nelbo.priors.UniformCodes()
        >>> model = nelbo.VAE(data_shape=(4,), latent=8, posterior=q, prior=p)
        >>> VQELBO()(model.terms(torch.ones(3, 4))).shape
        torch.Size([3])

    """

    commitment: float = 0.25

    def __post_init__(self) -> None:
        not_negative("commitment", self.commitment, fix="Try 0.25.")

    def __call__(self, terms: Terms) -> Float[Tensor, " batch"]:
        """Return the bound of each example minus its commitment, [batch]."""
        distance = getattr(terms.q, "distance", None)
        if distance is None:
            raise BadValue(
                "objective 'vq_elbo'",
                expected="a posterior with a codebook, 'vq' or 'residual_vq'",
                got=type(terms.q).__name__,
                fix="Use the objective 'elbo': without a codebook there is nothing to stay near.",
            )
        return terms.log_px.mean(0) - terms.kl_total - self.commitment * distance

    @property
    def belief(self) -> str:
        """What is maximised."""
        return (
            f"ELBO, minus {self.commitment:g} times the squared distance from the codes "
            "(a regulariser, no part of the bound)"
        )
