"""The checker catches wrong priors, and passes somebody else's right one."""

import pytest
import torch
from torch import nn
from torch.distributions import Independent, Normal

from nelbo.priors import Prior
from nelbo.testing import ConformanceError, check_prior


class Right(Prior):
    """A Gaussian whose mean is learned."""

    features = Normal

    def setup(self, latent):
        self.mean = nn.Parameter(torch.linspace(-1, 1, latent))

    def forward(self):
        return Independent(self.features(self.mean, torch.ones_like(self.mean)), 1)


class Unsummed(Right):
    def forward(self):
        return super().forward().base_dist


class Unnormalised(Right):
    class features(Normal):
        def log_prob(self, value):
            return -0.5 * (value - self.loc) ** 2


class WrongMean(Right):
    class features(Normal):
        mean = property(lambda self: self.loc + 0.01)


class Stopped(Right):
    class features(Normal):
        def log_prob(self, value):
            return Normal(self.loc.detach(), self.scale).log_prob(value) + 0.0 * self.loc


class WideDraws(Right):
    class features(Normal):
        def sample(self, sample_shape=()):
            return Normal(self.loc, 1.1 * self.scale).sample(sample_shape)


def test_somebody_elses_right_prior_passes():
    check_prior(Right())


@pytest.mark.parametrize(
    ("wrong", "law"),
    [
        (Unsummed, r"shape \[samples, batch\]"),
        (Unnormalised, "total mass 1"),
        (WrongMean, "stated mean"),
        (Stopped, "gradient against finite differences"),
        (WideDraws, "sample variance"),
    ],
)
def test_a_wrong_prior_is_caught_by_its_law(wrong, law):
    with pytest.raises(ConformanceError, match=f"^{wrong.__name__}, law '{law}': "):
        check_prior(wrong())
