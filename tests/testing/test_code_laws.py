"""The laws of masses on codes find what is wrong."""

import pytest
import torch

from nelbo.distributions.codes import CodeSequences
from nelbo.posteriors import FSQ, VQ
from nelbo.priors import AutoregressiveCodes, UniformCodes
from nelbo.testing import ConformanceError, check_posterior, check_prior


class OffByOne(FSQ):
    def indices(self, z):
        return (super().indices(z) + 1) % self.codes


class NoGradient(VQ):
    def forward(self, parameters):
        return super().forward(parameters.detach() + 0 * parameters)


class MovesInEvaluation(VQ):
    def forward(self, parameters):
        found = super().forward(parameters)
        self.codebook.count += 1
        return found


class NotNormalised(AutoregressiveCodes):
    def _log_mass(self, indices):
        return super()._log_mass(indices) + 0.01


class DrawsFirstCodes(UniformCodes):
    def forward(self):
        p = super().forward()
        draw = lambda n: p.draw(n) * torch.randint(2, (n, 1))  # noqa: E731
        return CodeSequences(p.quantiser, self.latent, p.log_mass, draw)


@pytest.mark.parametrize(
    ("posterior", "law"),
    [
        (OffByOne((3, 3, 3)), "codes and latents are one to one"),
        (NoGradient(codes=4, dim=3), "gradient of the draws"),
        (MovesInEvaluation(codes=4, dim=3), "evaluation leaves no trace"),
    ],
)
def test_a_broken_posterior_is_found(posterior, law):
    with pytest.raises(ConformanceError, match=law):
        check_posterior(posterior)


@pytest.mark.parametrize(
    ("prior", "law"),
    [(NotNormalised(hidden=4), "total mass 1"), (DrawsFirstCodes(), "shares of the draws")],
)
def test_a_broken_prior_is_found(prior, law):
    with pytest.raises(ConformanceError, match=law):
        check_prior(prior)
