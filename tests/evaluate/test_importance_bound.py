"""The importance-weighted bound against the evidence of probabilistic PCA."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

import nelbo
from nelbo.errors import BadValue
from nelbo.evaluate import ELBO, ImportanceBound

WRONG = (0.5, 0.4)  # mean and logvar of q moved off the exact posterior's


def test_with_the_exact_posterior_it_is_the_evidence_and_every_sample_counts(pca):
    """All weights are p(x): no Monte Carlo error, and an effective sample size of all samples."""
    found = nelbo.evaluate(pca.model(), pca.x, [ImportanceBound(samples=7)])
    evidence = pca.log_evidence(pca.x)
    bound, size = found["importance_bound"], found["effective_sample_size"]
    assert_allclose(bound.value, evidence.mean(), rtol=1e-10)
    error = evidence.std(ddof=1) / len(evidence) ** 0.5
    assert_allclose(bound.standard_error, error, rtol=1e-9)
    assert_allclose(size.value, 7.0, rtol=1e-10)
    assert size.standard_error < 1e-10


def test_with_a_wrong_posterior_it_rises_from_the_elbo_towards_the_evidence(pca):
    """One example 20000 times over, so that the standard errors are those of the draws alone."""
    model, x = pca.model(*WRONG), np.repeat(pca.x[:1], 20_000, axis=0)
    evidence = pca.log_evidence(pca.x[:1])[0]
    elbo = nelbo.evaluate(model, x, [ELBO(batch=5000)])["elbo"]
    bounds = [
        nelbo.evaluate(model, x, [ImportanceBound(samples=k, batch=5000)])["importance_bound"]
        for k in (1, 2, 16)
    ]
    rising = [elbo, *bounds[1:]]
    for low, high in zip(rising, rising[1:], strict=False):
        assert low.value + 5 * (low.standard_error + high.standard_error) < high.value
    assert bounds[-1].value < evidence + 5 * bounds[-1].standard_error
    # with one sample it is the ELBO, evidence - KL(q || p(z|x)) in closed form
    expected = evidence - pca.divergence(*WRONG)
    for estimate in (elbo, bounds[0]):
        assert abs(estimate.value - expected) < 5 * estimate.standard_error


def test_many_samples_reach_the_evidence(pca):
    """Its bias is at most Var(w)/(2 K p(x)^2), here a hundredth of the five standard errors."""
    x = np.repeat(pca.x[:1], 200, axis=0)
    found = nelbo.evaluate(pca.model(0.1, 0.1), x, [ImportanceBound(samples=2000, chunk=500)])
    bound = found["importance_bound"]
    assert abs(bound.value - pca.log_evidence(pca.x[:1])[0]) < 5 * bound.standard_error
    assert found["effective_sample_size"].value < 2000


def test_chunks_change_nothing(pca):
    """Whole chunks draw the same stream: 8 x 45 x 2 draws are a multiple of 16."""
    model = pca.model(*WRONG)
    whole, chunked = (
        nelbo.evaluate(model, pca.x, [ImportanceBound(samples=24, chunk=chunk)])
        for chunk in (24, 8)
    )
    for name, estimate in whole.items():
        assert_allclose(chunked[name].value, estimate.value, rtol=1e-12)
        assert_allclose(chunked[name].standard_error, estimate.standard_error, rtol=1e-10)


def test_a_chunk_that_does_not_divide_draws_the_rest(pca):
    model, drawn = pca.model(*WRONG), []
    terms = model.terms
    model.terms = lambda x, samples=1: drawn.append(samples) or terms(x, samples)
    nelbo.evaluate(model, pca.x, [ImportanceBound(samples=24, chunk=7)])
    assert drawn == [7, 7, 7, 3]


@pytest.mark.parametrize("samples", [1, 10, 100])
def test_the_decoder_never_sees_more_than_batch_times_chunk(pca, samples):
    model, seen = pca.model(), []
    model.decoder.register_forward_pre_hook(lambda module, inputs: seen.append(len(inputs[0])))
    nelbo.evaluate(model, pca.x, [ImportanceBound(samples=samples, batch=20, chunk=5)])
    assert max(seen) == 20 * min(samples, 5)
    assert sum(seen) == len(pca.x) * samples


def test_it_says_what_it_is_a_density_of(pca):
    found = nelbo.evaluate(pca.model(), pca.x, [ImportanceBound(samples=3)])
    bound, size = found["importance_bound"], found["effective_sample_size"]
    assert (bound.unit, bound.base_measure) == ("nats per example", "density on R^D")
    assert (size.unit, size.base_measure) == ("samples per example", None)
    assert (bound.samples, bound.examples) == (size.samples, size.examples) == (3, 45)


@pytest.mark.parametrize("name", ["samples", "batch", "chunk"])
@pytest.mark.parametrize("value", [0, -3])
def test_counts_below_1_are_refused(name, value):
    with pytest.raises(BadValue, match=f"{name}: expected an integer of at least 1, got {value}"):
        ImportanceBound(**{name: value})


def test_weights_are_those_of_the_callers_seed(pca):
    model = pca.model(*WRONG)
    values = [
        nelbo.evaluate(model, pca.x, [ImportanceBound(samples=4)], seed=seed)["importance_bound"]
        for seed in (0, 0, 1)
    ]
    assert values[0] == values[1]
    assert values[0].value != values[2].value
    assert torch.is_grad_enabled()
