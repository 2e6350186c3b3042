"""The ELBO with the covariance of the aggregate posterior held at the identity."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from nelbo.objectives.aggregate import check_weights, moments
from nelbo.objectives.base import Objective
from nelbo.registry import register
from nelbo.terms import Terms


# ELBO - l_od sum_{i != j} C_ij^2 - l_d sum_i (C_ii - 1)^2               Kumar et al. 2018, (5), (6)
@dataclass(frozen=True)
class DIP(Objective):
    """What both share: a covariance of latents that is to be the identity, and two weights.

    Args:
        off_diagonal: l_od, of the squared covariances.
        diagonal: l_d, of the squared distances of the variances from 1.
    """

    off_diagonal: float = 10.0
    diagonal: float = 100.0

    def __post_init__(self) -> None:
        check_weights(off_diagonal=self.off_diagonal, diagonal=self.diagonal)

    @abstractmethod
    def covariance(self, terms: Terms) -> Float[Tensor, "latent latent"]:
        """Return the covariance, over the batch."""

    def __call__(self, terms: Terms) -> Float[Tensor, " batch"]:
        """Return the objective of each example, [batch]; the covariance is the batch's."""
        covariance = self.covariance(terms)
        variance = covariance.diagonal()
        off = (covariance**2).sum() - (variance**2).sum()
        penalty = self.off_diagonal * off + self.diagonal * ((variance - 1) ** 2).sum()
        return terms.log_px.mean(0) - terms.kl_total - penalty

    @property
    def belief(self) -> str:
        """What is maximised."""
        weights = f"{self.off_diagonal:g} and {self.diagonal:g}"
        return f"ELBO - {weights} x the distance of {type(self).__name__}'s covariance from I"


# C = Cov_x[E_q z]                                                     Kumar et al. 2018, (6)
@register("objective", "dip_vae_i")
@dataclass(frozen=True)
class DIPVAEI(DIP):
    """The covariance of the posteriors' means is held at the identity.

    Source: Kumar, Sattigeri & Balakrishnan 2018, Variational inference of disentangled latent
    concepts from unlabeled observations, equation 6.

    Args:
        off_diagonal: weight of the squared covariances.
        diagonal: weight of the squared distances of the variances from 1.

    Example:
        >>> DIPVAEI(off_diagonal=5.0).diagonal
        100.0

    """

    def covariance(self, terms: Terms) -> Float[Tensor, "latent latent"]:
        """Return Cov[E_q z]."""
        return _covariance(moments(terms)[0])


# C = Cov_x[E_q z] + E_x[Cov_q z]                                      Kumar et al. 2018, (7)
@register("objective", "dip_vae_ii")
@dataclass(frozen=True)
class DIPVAEII(DIP):
    """The covariance of the aggregate posterior itself is held at the identity.

    Beside that of the means it counts the posteriors' own variances, and so keeps them from 0.

    Source: Kumar, Sattigeri & Balakrishnan 2018, equation 7 (law of total covariance).

    Args:
        off_diagonal: weight of the squared covariances.
        diagonal: weight of the squared distances of the variances from 1.

    Example:
        >>> DIPVAEII().belief
        "ELBO - 10 and 100 x the distance of DIPVAEII's covariance from I"

    """

    def covariance(self, terms: Terms) -> Float[Tensor, "latent latent"]:
        """Return Cov[z] = Cov[E_q z] + E[Cov_q z], the latter diagonal."""
        mean, variance = moments(terms)
        return _covariance(mean) + variance.mean(0).diag()


def _covariance(points: Float[Tensor, "batch latent"]) -> Float[Tensor, "latent latent"]:
    apart = points - points.mean(0)
    return apart.mT @ apart / len(points)
