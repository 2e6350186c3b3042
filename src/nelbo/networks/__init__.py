"""Networks: one a file, each a maker of encoders and decoders."""

from nelbo.networks.base import Network
from nelbo.networks.mlp import MLP
from nelbo.networks.modules import Modules

__all__ = ["MLP", "Modules", "Network"]
