"""nelbo: variational autoencoders in nats per example, and a doctor for those that do not learn."""

from nelbo import data, doctor, likelihoods, networks, objectives, posteriors, priors, testing
from nelbo.doctor import Monitor, adapt, audit, audit_step, diagnose, forecast, suggest
from nelbo.evaluate import evaluate
from nelbo.model import VAE
from nelbo.train import fit, load

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
    "forecast",
    "likelihoods",
    "load",
    "networks",
    "objectives",
    "posteriors",
    "priors",
    "suggest",
    "testing",
]
