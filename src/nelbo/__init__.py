"""nelbo: variational autoencoders in nats per example, and a doctor for those that do not learn."""

from nelbo import data, doctor, likelihoods, networks, objectives, posteriors, priors, testing
from nelbo.doctor import Monitor, adapt, audit, audit_step, diagnose, forecast, suggest
from nelbo.evaluate import evaluate, impute
from nelbo.model import VAE
from nelbo.train import fit, fit_prior, load, load_objective

__version__ = "0.1.0"

__all__ = [
    "VAE",
    "Monitor",
    "adapt",
    "audit",
    "audit_step",
    "data",
    "diagnose",
    "doctor",
    "evaluate",
    "fit",
    "fit_prior",
    "forecast",
    "impute",
    "likelihoods",
    "load",
    "load_objective",
    "networks",
    "objectives",
    "posteriors",
    "priors",
    "suggest",
    "testing",
]
