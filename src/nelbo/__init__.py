"""nelbo: variational autoencoders in nats per example, and a doctor for those that do not learn."""

from nelbo import likelihoods, networks, objectives, posteriors, priors
from nelbo.model import VAE

__all__ = ["VAE", "likelihoods", "networks", "objectives", "posteriors", "priors"]
