"""The commitment."""

import pytest
import torch

import nelbo
from nelbo.errors import BadValue
from nelbo.objectives import ELBO, VQELBO
from nelbo.posteriors import FSQ, VQ


def terms_of(posterior, prior=None):
    parts = {"posterior": posterior, "prior": prior or nelbo.priors.UniformCodes()}
    return nelbo.VAE(4, 6, **parts).eval().terms(torch.rand(5, 4).round())


def test_it_is_the_bound_minus_the_weighted_distance():
    terms = terms_of(VQ(codes=4, dim=2))
    distance = (terms.q.encoded - terms.z[0].detach()).square().sum(-1)
    torch.testing.assert_close(VQELBO(0.5)(terms), ELBO()(terms) - 0.5 * distance)
    torch.testing.assert_close(VQELBO(0.0)(terms), ELBO()(terms))


def test_its_gradient_draws_the_encoder_to_its_codes():
    posterior = VQ(codes=4, dim=2)
    posterior.setup(6)
    outputs = torch.randn(5, 6, requires_grad=True)
    q = posterior.eval()(outputs)
    (slope,) = torch.autograd.grad(q.distance.sum(), outputs)
    torch.testing.assert_close(slope, 2 * (outputs - q.vectors).detach())


@pytest.mark.parametrize(
    ("posterior", "prior"),
    [(FSQ((3, 3)), None), (nelbo.posteriors.Diagonal(), nelbo.priors.Standard())],
)
def test_without_a_codebook_it_is_refused(posterior, prior):
    with pytest.raises(BadValue, match=r"'vq' or 'residual_vq'.*Use the objective 'elbo'"):
        VQELBO()(terms_of(posterior, prior))


def test_a_negative_weight_is_refused():
    with pytest.raises(BadValue, match="commitment: expected a number of at least 0"):
        VQELBO(-0.1)


def test_it_says_that_it_is_no_bound():
    assert "no part of the bound" in VQELBO().belief
