"""Priors p(z): one a file."""

from nelbo.priors.autoregressive_codes import AutoregressiveCodes
from nelbo.priors.base import Prior
from nelbo.priors.conditional import Conditional
from nelbo.priors.iaf_prior import IAFPrior
from nelbo.priors.maf import MAF
from nelbo.priors.mixture import Mixture
from nelbo.priors.relaxed_coin import RelaxedCoin
from nelbo.priors.relaxed_uniform import RelaxedUniform
from nelbo.priors.riemannian_normal import RiemannianNormalPrior
from nelbo.priors.standard import Standard
from nelbo.priors.top_down import TopDown
from nelbo.priors.top_down_maps import TopDownMaps
from nelbo.priors.two_stage import TwoStage
from nelbo.priors.uniform_categorical import UniformCategorical
from nelbo.priors.uniform_codes import UniformCodes
from nelbo.priors.uniform_sphere import UniformSphere
from nelbo.priors.vamp import Vamp
from nelbo.priors.wrapped_standard import WrappedStandard

__all__ = [
    "TopDown",
    "TopDownMaps",
    "AutoregressiveCodes",
    "Conditional",
    "IAFPrior",
    "MAF",
    "Mixture",
    "Prior",
    "RelaxedCoin",
    "RelaxedUniform",
    "RiemannianNormalPrior",
    "Standard",
    "TwoStage",
    "UniformCategorical",
    "UniformCodes",
    "UniformSphere",
    "Vamp",
    "WrappedStandard",
]
