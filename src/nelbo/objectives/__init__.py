"""Objectives: one a file, each turning `Terms` into nats per example, to be maximised."""

from nelbo.objectives.base import LearningObjective, Objective
from nelbo.objectives.capacity import Capacity
from nelbo.objectives.ciwae import CIWAE
from nelbo.objectives.control_vae import ControlVAE
from nelbo.objectives.dreg import DReG
from nelbo.objectives.elbo import ELBO
from nelbo.objectives.free_bits import FreeBits
from nelbo.objectives.geco import GECO
from nelbo.objectives.iwae import IWAE
from nelbo.objectives.miwae import MIWAE
from nelbo.objectives.piwae import PIWAE
from nelbo.objectives.renyi import Renyi
from nelbo.objectives.schedules import Constant, Cyclical, Linear, Schedule
from nelbo.objectives.stl import STL
from nelbo.objectives.vq_elbo import VQELBO

__all__ = [
    "Capacity",
    "CIWAE",
    "ControlVAE",
    "DReG",
    "FreeBits",
    "GECO",
    "IWAE",
    "MIWAE",
    "PIWAE",
    "Renyi",
    "STL",
    "ELBO",
    "VQELBO",
    "Constant",
    "Cyclical",
    "LearningObjective",
    "Linear",
    "Objective",
    "Schedule",
]
