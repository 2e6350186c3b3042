"""Posteriors q(z|x): one a file."""

from nelbo.posteriors.base import Posterior
from nelbo.posteriors.concrete import ConcretePosterior
from nelbo.posteriors.deterministic import Deterministic
from nelbo.posteriors.diagonal import Diagonal
from nelbo.posteriors.fsq import FSQ
from nelbo.posteriors.full_covariance import FullCovariance
from nelbo.posteriors.hamiltonian import Hamiltonian
from nelbo.posteriors.iaf import IAF
from nelbo.posteriors.ladder import Ladder
from nelbo.posteriors.planar import Planar
from nelbo.posteriors.radial import Radial
from nelbo.posteriors.relaxed_bernoulli import RelaxedBernoulli
from nelbo.posteriors.residual_maps import ResidualMaps
from nelbo.posteriors.residual_top_down import ResidualTopDown
from nelbo.posteriors.residual_vq import ResidualVQ
from nelbo.posteriors.riemannian import Riemannian
from nelbo.posteriors.spline import Spline
from nelbo.posteriors.st_gumbel_softmax import STGumbelSoftmax
from nelbo.posteriors.von_mises_fisher import VonMisesFisherPosterior
from nelbo.posteriors.vq import VQ
from nelbo.posteriors.wrapped_normal import WrappedNormalPosterior

__all__ = [
    "ResidualMaps",
    "ResidualTopDown",
    "Ladder",
    "ConcretePosterior",
    "Deterministic",
    "Diagonal",
    "FSQ",
    "FullCovariance",
    "Hamiltonian",
    "IAF",
    "Planar",
    "Posterior",
    "Radial",
    "RelaxedBernoulli",
    "ResidualVQ",
    "Riemannian",
    "STGumbelSoftmax",
    "Spline",
    "VQ",
    "VonMisesFisherPosterior",
    "WrappedNormalPosterior",
]
