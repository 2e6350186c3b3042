"""Objectives: one a file, each turning `Terms` into nats per example, to be maximised."""

from nelbo.objectives.base import LearningObjective, Objective
from nelbo.objectives.elbo import ELBO
from nelbo.objectives.schedules import Constant, Cyclical, Linear, Schedule
from nelbo.objectives.vq_elbo import VQELBO

__all__ = [
    "ELBO",
    "VQELBO",
    "Constant",
    "Cyclical",
    "LearningObjective",
    "Linear",
    "Objective",
    "Schedule",
]
