"""Shape checking is on in all tests: a wrong shape or dtype is refused by the signature itself."""

import pytest
import torch
from jaxtyping import TypeCheckError

import nelbo
from nelbo import formulas


def test_signatures_reject_shapes_that_do_not_agree():
    with pytest.raises(TypeCheckError, match="logvar"):
        formulas.gaussian_kl(torch.zeros(2), torch.zeros(3))


def test_signatures_reject_integers_for_floats():
    with pytest.raises(TypeCheckError, match="logits"):
        formulas.continuous_bernoulli_mean(torch.zeros(2, dtype=torch.int64))


def test_components_are_checked_too():
    with pytest.raises(TypeCheckError, match="parameters"):
        nelbo.posteriors.Diagonal()(torch.zeros(3, 20))


def test_what_comes_out_is_checked_too():
    model = nelbo.VAE(data_shape=(2,), latent=1)
    terms = model.terms(torch.ones(3, 2))
    terms.px.log_prob = lambda x: torch.zeros(1, 3, dtype=torch.int64)
    with pytest.raises(TypeCheckError, match="log_px"):
        _ = terms.log_px


def test_the_fixture_unchecked_lets_them_through(unchecked):
    assert formulas.gaussian_kl(torch.zeros(2, 1), torch.zeros(3)).shape == (2, 3)
