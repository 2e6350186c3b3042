"""Objectives: one a file, each turning `Terms` into nats per example, to be maximised."""

from nelbo.objectives.adversarial_ae import AdversarialAE
from nelbo.objectives.base import LearningObjective, Objective
from nelbo.objectives.beta_tcvae import BetaTCVAE
from nelbo.objectives.capacity import Capacity
from nelbo.objectives.ciwae import CIWAE
from nelbo.objectives.control_vae import ControlVAE
from nelbo.objectives.dip_vae import DIPVAEI, DIPVAEII
from nelbo.objectives.dreg import DReG
from nelbo.objectives.elbo import ELBO
from nelbo.objectives.factor_vae import FactorVAE
from nelbo.objectives.free_bits import FreeBits
from nelbo.objectives.geco import GECO
from nelbo.objectives.info_vae import InfoVAE
from nelbo.objectives.iwae import IWAE
from nelbo.objectives.m2 import M2
from nelbo.objectives.miwae import MIWAE
from nelbo.objectives.ms_ssim import MSSSIM
from nelbo.objectives.piwae import PIWAE
from nelbo.objectives.rae import RAEGP, RAEL2
from nelbo.objectives.reconstruction import Reconstruction
from nelbo.objectives.renyi import Renyi
from nelbo.objectives.schedules import Constant, Cyclical, Linear, Schedule
from nelbo.objectives.stl import STL
from nelbo.objectives.vae_gan import VAEGAN
from nelbo.objectives.vq_elbo import VQELBO
from nelbo.objectives.wae_mmd import WAEMMD

__all__ = [
    "Reconstruction",
    "AdversarialAE",
    "BetaTCVAE",
    "FactorVAE",
    "InfoVAE",
    "MSSSIM",
    "VAEGAN",
    "WAEMMD",
    "DIPVAEI",
    "DIPVAEII",
    "RAEGP",
    "RAEL2",
    "Capacity",
    "CIWAE",
    "ControlVAE",
    "DReG",
    "FreeBits",
    "GECO",
    "IWAE",
    "M2",
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
