"""Terms: shapes, sums, and the refusal of densities that are not summed over the example."""

import pytest
import torch
from numpy.testing import assert_allclose
from torch.distributions import Independent, Normal, StudentT

from nelbo.errors import BadValue
from nelbo.rng import seeded
from nelbo.terms import Terms

SAMPLES, BATCH, LATENT = 5, 3, 2


@pytest.fixture
def parts():
    with seeded(0):
        x = torch.randn(BATCH, 1, 4, dtype=torch.float64)
        z = torch.randn(SAMPLES, BATCH, LATENT, dtype=torch.float64)
        mean = torch.randn(SAMPLES, BATCH, 1, 4, dtype=torch.float64)
        mu, logvar = torch.randn(2, BATCH, LATENT, dtype=torch.float64)
    px = Independent(Normal(mean, 1.0), 2)
    q = Independent(Normal(mu, torch.exp(0.5 * logvar)), 1)
    p = Independent(Normal(torch.zeros_like(mu[0]), torch.ones_like(mu[0])), 1)
    return {"x": x, "z": z, "px": px, "q": q, "p": p}


def test_shapes(parts):
    terms = Terms(**parts)
    for value in (terms.log_px, terms.log_qz, terms.log_pz, terms.log_w):
        assert value.shape == (SAMPLES, BATCH)
    assert terms.kl.shape == (BATCH, LATENT)
    assert terms.kl_total.shape == (BATCH,)


def test_log_w_is_the_logarithm_of_the_importance_weight(parts):
    terms = Terms(**parts)
    ratio = terms.log_px.exp() * terms.log_pz.exp() / terms.log_qz.exp()
    assert_allclose(terms.log_w.exp(), ratio, rtol=1e-10)


def test_closed_kl_is_summed_over_the_latents(parts):
    terms = Terms(**parts)
    assert_allclose(terms.kl_total, terms.kl[:, 0] + terms.kl[:, 1], rtol=1e-15)


def test_without_a_closed_form_the_kl_is_estimated_from_the_samples(parts):
    parts["p"] = Independent(StudentT(3.0, torch.zeros(LATENT).double()), 1)
    terms = Terms(**parts)
    assert not terms.has_closed_kl
    assert_allclose(terms.kl_total, (terms.log_qz - terms.log_pz).mean(0), rtol=1e-15)
    with pytest.raises(BadValue, match=r"KL per latent: expected .* Use `kl_total`"):
        _ = terms.kl


def test_densities_are_computed_once_and_when_asked_for(parts):
    calls = []

    class Counted(Independent):
        def log_prob(self, value):
            calls.append(value)
            return super().log_prob(value)

    parts["px"] = Counted(parts["px"].base_dist, 2)
    terms = Terms(**parts)
    assert not calls
    assert terms.log_px is terms.log_px
    assert len(calls) == 1


@pytest.mark.parametrize(("summed", "left"), [(0, [1, 4]), (1, [1])])
def test_pixels_left_unsummed_are_named(parts, summed, left):
    parts["px"] = Independent(parts["px"].base_dist, summed)
    terms = Terms(**parts)
    with pytest.raises(BadValue) as caught:
        _ = terms.log_px
    assert str(caught.value) == (
        f"log p(x|z): expected shape [samples, batch] = [5, 3], got {[5, 3, *left]}, "
        f"{left} left unsummed. Return a distribution over a whole example: "
        "torch.distributions.Independent(d, number of feature dimensions)."
    )


def test_pixels_averaged_to_one_number_a_batch_are_refused(parts):
    parts["px"] = Independent(parts["px"].base_dist, 3)  # swallows the batch too
    with pytest.raises(BadValue, match=r"log p\(x\|z\): expected .* = \[5, 3\], got \[5\]\. "):
        _ = Terms(**parts).log_px


@pytest.mark.parametrize(("which", "what"), [("q", "log q(z|x)"), ("p", "log p(z)")])
def test_latents_left_unsummed_are_named(parts, which, what):
    parts[which] = parts[which].base_dist
    terms = Terms(**parts)
    with pytest.raises(BadValue) as caught:
        _ = terms.log_w
    assert caught.value.what == what
    assert "[2] left unsummed" in str(caught.value)
