"""Codebooks: gradient, running means, restarts, and what a trained model makes of them."""

import copy
import math

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

import nelbo
from nelbo.errors import BadValue
from nelbo.posteriors import FSQ, VQ, ResidualVQ
from nelbo.posteriors.codebook import Codebook
from nelbo.priors import UniformCodes
from nelbo.rng import seeded


def made(posterior, latent):
    posterior.setup(latent)
    return posterior.double()


def small(posterior, latent=6, **axes):
    network = nelbo.networks.MLP(hidden=(8,))
    with seeded(0):
        return nelbo.VAE(
            4, latent, network=network, posterior=posterior, prior=UniformCodes(), **axes
        )


def test_the_gradient_of_the_draws_is_the_identity():
    outputs = torch.randn(1, 6, dtype=torch.float64)
    q = made(VQ(codes=5, dim=2), 6).eval()
    jacobian = torch.autograd.functional.jacobian(lambda u: q(u).rsample()[0], outputs)
    assert torch.equal(jacobian[:, 0], torch.eye(6, dtype=torch.float64))


def test_draws_are_codes_to_the_last_bit():
    posterior = made(VQ(codes=5, dim=2), 6).eval()
    q = posterior(1e6 * torch.randn(9, 6, dtype=torch.float64))
    assert torch.equal(q.rsample(), posterior.vectors(q.indices))


def written_by_hand(batches, vectors, count, decay):
    """Equations 6 to 8 of van den Oord et al. 2017, as they stand, with m = N e to begin with."""
    means, sums = vectors.copy(), count[:, None] * vectors
    for z in batches:
        nearest = ((z[:, None] - means) ** 2).sum(-1).argmin(1)
        for i in range(len(means)):
            chosen = z[nearest == i]
            count[i] = decay * count[i] + (1 - decay) * len(chosen)
            sums[i] = decay * sums[i] + (1 - decay) * chosen.sum(0)
        means = sums / count[:, None]
    return means, count


def test_codes_are_the_papers_running_means():
    with seeded(0):
        book = Codebook(6, 3, decay=0.8, restart=math.inf).double()
        batches = torch.randn(5, 40, 3, dtype=torch.float64)
        book.batches += 1  # not the first batch: the codes stay where they are
    begin = book.vectors.numpy().copy(), book.count.numpy().copy()
    for z in batches:
        book.learn(z)
    means, count = written_by_hand(batches.numpy(), *begin, 0.8)
    assert_allclose(book.vectors, means, rtol=1e-10)
    assert_allclose(book.count, count, rtol=1e-10)


def test_codes_begin_as_vectors_of_the_first_batch():
    book = Codebook(4, 2, decay=0.99, restart=math.inf)
    z = 1000 + torch.randn(4, 2)  # as many as codes: each is one of them, and its own mean
    book.learn(z)
    assert_allclose(sorted(book.vectors.tolist()), sorted(z.tolist()), rtol=1e-6)


def test_fewer_vectors_than_codes_will_do():
    book = Codebook(8, 2, decay=0.99, restart=2.0)
    for _ in range(30):
        book.learn(torch.randn(3, 2))
    assert bool(book.vectors.isfinite().all())


def test_a_code_that_is_never_nearest_begins_anew():
    book = Codebook(3, 2, decay=0.99, restart=4.0)
    with seeded(0):
        book.learn(torch.randn(30, 2))
        book.vectors[2] = 1e4  # dead
        batches = torch.randn(2, 30, 2)  # 10 vectors a code each
    book.learn(batches[0])
    assert bool((book.vectors.abs() < 5).all())
    chosen = torch.stack([(batches[0] - v).abs().sum(1).min() for v in book.vectors[2:]])
    assert float(chosen) == 0.0  # it is a vector of the batch
    assert book.idle[2] == 0


def test_without_restarts_a_dead_code_stays():
    book = Codebook(3, 2, decay=0.99, restart=math.inf)
    book.learn(torch.randn(30, 2))
    book.vectors[2] = 1e4
    for _ in range(100):
        book.learn(torch.randn(30, 2))
    assert bool((book.vectors[2] == 1e4).all())


@pytest.mark.parametrize(
    ("posterior", "width"), [(VQ(codes=4, dim=2), 6), (ResidualVQ(codes=4, levels=3), 2)]
)
def test_evaluation_leaves_no_trace_and_training_does(posterior, width):
    posterior = copy.deepcopy(posterior)
    posterior.setup(6)
    before = copy.deepcopy(posterior.state_dict())
    posterior.eval()(torch.randn(10, width))
    assert all(torch.equal(v, before[k]) for k, v in posterior.state_dict().items())
    posterior.train()(torch.randn(10, width))
    assert not any(
        torch.equal(v, before[k]) for k, v in posterior.state_dict().items() if "vectors" in k
    )


def test_in_training_prior_and_posterior_speak_of_the_same_codebook():
    model = small(VQ(codes=4, dim=2, decay=0.0)).train()  # the codes move as far as they can
    for _ in range(5):
        terms = model.terms(torch.rand(20, 4).round())
        assert_allclose(terms.kl_total.detach(), 3 * math.log(4), rtol=1e-6)


@pytest.mark.parametrize(
    ("posterior", "groups", "codes"),
    [(VQ(codes=5, dim=2), 3, 5), (ResidualVQ(codes=5, levels=2), 2, 5), (FSQ((3, 4)), 3, 12)],
)
def test_kl_is_groups_times_the_logarithm_of_codes(posterior, groups, codes):
    terms = small(copy.deepcopy(posterior)).eval().terms(torch.ones(2, 4))
    assert_allclose(terms.kl_total.detach(), groups * math.log(codes), rtol=1e-6)
    elbo = nelbo.objectives.ELBO()(terms)
    expected = terms.log_px[0] - groups * math.log(codes)
    assert_allclose(elbo.detach(), expected.detach(), rtol=1e-6)


@pytest.mark.parametrize("posterior", [VQ(codes=5, dim=2), ResidualVQ(codes=5, levels=2), FSQ()])
def test_importance_weights_of_several_equal_draws_are_refused(posterior):
    model = small(copy.deepcopy(posterior), latent=8).eval()
    assert model.terms(torch.ones(2, 4)).log_w.shape == (1, 2)
    with pytest.raises(BadValue, match="a posterior whose draws differ"):
        _ = model.terms(torch.ones(2, 4), samples=3).log_w


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: VQ(codes=1), "codes: expected an integer of at least 2"),
        (lambda: VQ(dim=0), "dim: expected an integer of at least 1"),
        (lambda: VQ(decay=1.0), "decay: expected a number in"),
        (lambda: VQ(restart=0.0), "restart: expected a positive number"),
        (lambda: ResidualVQ(levels=0), "levels: expected an integer of at least 1"),
        (lambda: FSQ((8, 1)), "levels: expected integers of at least 2"),
        (lambda: FSQ(()), "levels: expected integers of at least 2"),
        (lambda: small(VQ(dim=4)), "latent: expected a multiple of 4.* Try 8"),
        (lambda: small(ResidualVQ(levels=5)), "latent: expected a multiple of 5.* Try 10"),
        (lambda: small(FSQ((8, 5, 5, 5))), "latent: expected a multiple of 4"),
        (lambda: nelbo.VAE(4, 8, posterior=VQ()), "prior Standard: expected a mass on codes"),
        (lambda: nelbo.VAE(4, 8, prior=UniformCodes()), "expected a density on R"),
    ],
)
def test_what_does_not_go_together_is_refused_when_it_is_built(make, message):
    with pytest.raises(BadValue, match=message):
        make()


def test_a_codebook_larger_than_the_data_is_refused():
    posterior, residual = made(VQ(codes=64, dim=2), 4), made(ResidualVQ(codes=64), 4)
    posterior.check_examples(32)  # two vectors an example
    residual.check_examples(64)
    for subject, examples in ((posterior, 31), (residual, 63)):
        with pytest.raises(BadValue, match="codes: expected at most 6"):
            subject.check_examples(examples)


def test_each_level_reduces_the_error_and_the_latents_are_sums_of_codes():
    posterior = made(ResidualVQ(codes=16, levels=4), 12)
    with seeded(0):
        outputs = torch.randn(500, 3, dtype=torch.float64)
        for _ in range(50):
            posterior(outputs)
    q = posterior.eval()(outputs)
    sums = q.mean.unflatten(-1, (4, 3))
    errors = (outputs[:, None] - sums).square().sum(-1).mean(0)
    assert bool((errors.diff() < 0).all())
    assert errors[-1] < 0.1 * errors[0]
    books = [book.vectors for book in posterior.codebooks]
    total = sum(book[index] for book, index in zip(books, q.indices.unbind(1), strict=True))
    assert_allclose(sums[:, -1].detach(), total, rtol=1e-10)
    distances = (outputs[:, None] - sums).square().sum((1, 2))
    assert_allclose(q.distance.detach(), distances.detach(), rtol=1e-10)


@pytest.fixture(scope="module", name="images")
def _images():
    return nelbo.data.load("mnist").train.array[:10_000]


def use_after_an_epoch(images, restart):
    with seeded(0):
        model = nelbo.VAE(
            (1, 28, 28),
            latent=32,
            network=nelbo.networks.MLP(hidden=(100,)),
            likelihood=nelbo.likelihoods.ContinuousBernoulli(),
            posterior=VQ(codes=64, dim=4, restart=restart),
            prior=UniformCodes(),
        )
    nelbo.fit(model, images, objective=nelbo.objectives.VQELBO(), epochs=1, callbacks=[])
    found = nelbo.evaluate(model, images, [nelbo.evaluate.CodebookUse()])
    return found["codebook_perplexity"].value, found["dead_codes"].value


def test_no_code_is_dead_after_an_epoch_of_mnist(images):
    """Measured: perplexity 43 of 64 codes with restarts; 7, and 54 dead codes, without."""
    perplexity, dead = use_after_an_epoch(images, restart=20.0)
    assert dead == 0
    assert perplexity > 32
    perplexity, dead = use_after_an_epoch(images, restart=math.inf)
    assert dead > 32
    assert perplexity < 16


def test_the_same_seed_gives_the_same_codes():
    images = np.random.default_rng(0).random((200, 4)).round().astype(np.float32)
    models = [small(VQ(codes=8, dim=2)) for _ in range(2)]
    for model in models:
        nelbo.fit(model, images, objective=nelbo.objectives.VQELBO(), epochs=2, callbacks=[])
    first, second = (model.state_dict() for model in models)
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_saved_loaded_and_copied_with_one_codebook(tmp_path):
    images = np.random.default_rng(0).random((200, 4)).round().astype(np.float32)
    model = small(VQ(codes=8, dim=2))
    objective = nelbo.objectives.VQELBO()
    nelbo.fit(model, images, objective=objective, epochs=1, out=tmp_path / "run", callbacks=[])
    assert not any(name.startswith("prior") for name in model.state_dict())
    assert copy.deepcopy(model).prior._posterior[0] is not model.posterior
    again = nelbo.load(tmp_path / "run")
    x = torch.from_numpy(images)
    assert torch.equal(again.reconstruct(x), model.reconstruct(x))
    assert torch.equal(again.sample(5, seed=0), model.sample(5, seed=0))
