"""The checker catches posteriors that are wrong in the ways that people get them wrong."""

import pytest
import torch
from torch import nn
from torch.distributions import Independent, Laplace, Normal, kl_divergence

from nelbo.posteriors import Diagonal, Posterior
from nelbo.testing import ConformanceError, check_posterior


class Right(Posterior):
    """Somebody else's posterior, with a parameter of its own."""

    features = Normal

    def __init__(self):
        super().__init__()
        self.offset = nn.Parameter(torch.tensor(0.3))

    def parameter_shape(self, latent):
        return (2, latent)

    def forward(self, parameters):
        mu, logvar = parameters.unbind(1)
        return Independent(self.features(mu + self.offset, self.sigma(logvar)), 1)

    def sigma(self, logvar):
        return torch.exp(0.5 * logvar)


class Laplacian(Right):
    """No closed KL against the Gaussian prior: the other laws hold all the same."""

    features = Laplace


class Unsummed(Right):
    def forward(self, parameters):
        return super().forward(parameters).base_dist


class NoDraws(Right):
    class features(Normal):
        has_rsample = False


class Unnormalised(Right):
    class features(Normal):
        def log_prob(self, value):
            return -0.5 * ((value - self.loc) / self.scale) ** 2


class WrongMean(Right):
    class features(Normal):
        mean = property(lambda self: self.loc + 0.01)


class OfTheBatch(Right):
    def sigma(self, logvar):
        return torch.exp(0.5 * logvar - 0.5 * logvar.mean())


class StoppedDraws(Right):
    """Draws with a detached sigma: the KL trains the width, the reconstruction does not."""

    class features(Normal):
        def rsample(self, sample_shape=()):
            return Normal(self.loc, self.scale.detach()).rsample(sample_shape)


class StoppedDensity(Right):
    class features(Normal):
        def log_prob(self, value):
            return Normal(self.loc.detach(), self.scale).log_prob(value)


class LogvarAsLogSigma(Right):
    """Draws with sigma = exp(logvar), the commonest slip of all; the density has exp(logvar/2)."""

    class features(Normal):
        def rsample(self, sample_shape=()):
            return Normal(self.loc, self.scale**2).rsample(sample_shape)

        def sample(self, sample_shape=()):
            return self.rsample(sample_shape).detach()


@pytest.mark.parametrize("right", [Right, Laplacian])
@pytest.mark.parametrize("latent", [1, 3])
def test_somebody_elses_right_posterior_passes(right, latent):
    check_posterior(right(), latent=latent)


@pytest.mark.parametrize(
    ("wrong", "law"),
    [
        (Unsummed, r"shape \[samples, batch\]"),
        (NoDraws, "reparametrised draws"),
        (Unnormalised, "total mass 1"),
        (WrongMean, "stated mean"),
        (OfTheBatch, "independence of the rest of the batch"),
        (StoppedDraws, "gradient of the draws against finite differences"),
        (StoppedDensity, "gradient against finite differences"),
        (LogvarAsLogSigma, "closed KL against samples"),
    ],
)
def test_a_wrong_posterior_is_caught_by_its_law(wrong, law):
    with pytest.raises(ConformanceError, match=f"^{wrong.__name__}, law '{law}': "):
        check_posterior(wrong())


def test_a_wrong_closed_kl_is_caught(monkeypatch):
    """`Terms` takes the closed form for two distributions of one type; so a wrong one must show."""
    monkeypatch.setattr("nelbo.terms.kl_divergence", lambda q, p: 0.5 * kl_divergence(q, p))
    with pytest.raises(ConformanceError, match="law 'closed KL against quadrature': "):
        check_posterior(Diagonal())


def test_a_kl_averaged_over_the_latents_is_caught(monkeypatch):
    """The slip that divides beta by the number of latents; for one latent it does not show."""
    monkeypatch.setattr(
        "nelbo.terms.kl_divergence", lambda q, p: kl_divergence(q, p) / q.batch_shape[-1]
    )
    with pytest.raises(ConformanceError, match="law 'closed KL against samples': "):
        check_posterior(Diagonal())
