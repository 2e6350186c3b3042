"""Objectives: one a file, each turning `Terms` into nats per example, to be maximised."""

from nelbo.objectives.base import Objective
from nelbo.objectives.elbo import ELBO
from nelbo.objectives.schedules import Constant, Cyclical, Linear, Schedule

__all__ = ["ELBO", "Constant", "Cyclical", "Linear", "Objective", "Schedule"]
