"""Networks: one a file, each a maker of encoders and decoders."""

from nelbo.networks.base import Network
from nelbo.networks.conv import Conv
from nelbo.networks.conv_maps import ConvMaps
from nelbo.networks.gated import Gated
from nelbo.networks.mlp import MLP
from nelbo.networks.modules import Modules
from nelbo.networks.output import OutputBias, start_at
from nelbo.networks.residual import Residual
from nelbo.networks.sequence import Sequence

__all__ = [
    "MLP",
    "Conv",
    "ConvMaps",
    "Gated",
    "Modules",
    "Network",
    "OutputBias",
    "Residual",
    "Sequence",
    "start_at",
]
