"""M2: against enumeration by hand, with all classes known, with one, and on digits."""

import copy
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import nelbo
from nelbo.data import beside
from nelbo.errors import BadValue
from nelbo.objectives import M2
from nelbo.rng import seeded

CLASSES, BATCH, ALPHA = 3, 8, 2.5


def made(classes=CLASSES, alpha=ALPHA, prior=None, **others):
    with seeded(0):
        prior = copy.deepcopy(prior)
        network = nelbo.networks.MLP(hidden=(5,))
        model = nelbo.VAE(6, 2, network, covariates=classes, prior=prior, **others)
        objective = M2(alpha=alpha, hidden=(7,))
        objective.setup((6,), 2)
        objective.connect(classes)
    return model.double().eval(), objective.double().eval()


@pytest.fixture
def x():
    with seeded(1):
        return torch.rand(BATCH, 6, dtype=torch.float64).round()


LABELS = torch.tensor([0, 1, 2, 0, 1, 2, 2, 1])


def rows(x, labels):
    return beside(x, labels, classes=CLASSES).double()


def elbo_of_each_class(model, x, samples=1):
    """[classes, batch]: with the noise of one pass over all of them, as M2 draws it."""
    every = torch.cat([rows(x, torch.full((BATCH,), c)) for c in range(CLASSES)])
    with seeded(2):
        terms = model.terms(every, samples)
    return (terms.log_px.mean(0) - terms.kl.sum(-1)).view(CLASSES, BATCH)


def value(objective, model, given):
    with seeded(2):
        return objective(objective.terms(model, given))


PRIORS = [None, nelbo.priors.Conditional(hidden=(4,))]


@pytest.mark.parametrize("prior", PRIORS)
def test_with_every_class_known_it_is_the_conditional_elbo(x, prior):
    model, objective = made(prior=prior)
    elbo = elbo_of_each_class(model, x).gather(0, LABELS[None])[0]
    log_q = objective.classifier(x).log_softmax(-1).gather(1, LABELS[:, None])[:, 0]
    expected = elbo - math.log(CLASSES) + ALPHA * log_q
    torch.testing.assert_close(value(objective, model, rows(x, LABELS)), expected)


@pytest.mark.parametrize("prior", PRIORS)
def test_with_none_known_it_is_the_enumeration(x, prior):
    model, objective = made(prior=prior)
    elbo = elbo_of_each_class(model, x).detach().numpy()
    q = objective.classify(x).numpy().T
    expected = (q * (elbo - np.log(CLASSES) - np.log(q))).sum(0)
    got = value(objective, model, rows(x, torch.full((BATCH,), -1)))
    np.testing.assert_allclose(got.detach().numpy(), expected, rtol=1e-10)


def test_examples_with_and_without_a_class_do_not_disturb_each_other(x):
    model, objective = made()
    some = LABELS.clone()
    some[::2] = -1
    mixed = value(objective, model, rows(x, some))
    none = value(objective, model, rows(x, torch.full((BATCH,), -1)))
    known = value(objective, model, rows(x, LABELS))
    torch.testing.assert_close(mixed, torch.where(some == -1, none, known))


def test_with_one_class_it_is_the_elbo(x):
    model, objective = made(classes=1, alpha=3.0)
    one = torch.cat((x, torch.ones(BATCH, 1).double()), 1)
    with seeded(2):
        terms = model.terms(one)
    expected = terms.log_px.mean(0) - terms.kl_total
    torch.testing.assert_close(value(objective, model, one), expected)
    unknown = torch.cat((x, torch.full((BATCH, 1), torch.nan).double()), 1)
    torch.testing.assert_close(value(objective, model, unknown), expected)


def test_it_is_a_bound_that_a_better_classifier_raises(x):
    """U(x) is largest where q(y|x) is softmax of the ELBOs: then it is their log-sum-exp."""
    model, _ = made()
    elbo = elbo_of_each_class(model, x)
    best = elbo.logsumexp(0) - math.log(CLASSES)
    objective = made()[1]
    got = value(objective, model, rows(x, torch.full((BATCH,), -1)))
    assert bool((got <= best + 1e-12).all())


def test_terms_are_per_example_and_mean_over_the_classes(x):
    model, objective = made()
    labels = torch.tensor([0, -1, 2, 0, 1, -1, -1, 1])
    with seeded(2):
        terms = objective.terms(model, rows(x, labels))
    assert terms.log_px.shape == terms.log_w.shape == (1, BATCH)
    assert terms.kl.shape == (BATCH, 2)
    elbo = elbo_of_each_class(model, x)
    weights = torch.where(
        labels[:, None] == -1, objective.classify(x), F.one_hot(labels.clamp_min(0), 3).double()
    )
    expected = (weights.mT * elbo).sum(0)
    torch.testing.assert_close(terms.log_px.mean(0) - terms.kl.sum(-1), expected)
    entropy = -torch.special.xlogy(weights, weights).sum(1)
    of_class = torch.where(labels == -1, math.log(CLASSES) - entropy, 0.0)
    torch.testing.assert_close(terms.kl_total, terms.kl.sum(-1) + of_class)
    by_sample = terms.log_px + terms.log_pz - terms.log_qz - of_class
    torch.testing.assert_close(terms.log_w, by_sample)
    assert terms.q.mean.shape == (BATCH, 2)
    assert terms.px.mean.shape == (1, BATCH, 6)
    assert bool((terms.q.variance > 0).all())
    assert bool(terms.q.log_prob(terms.z).isfinite().all())
    assert terms.px.log_prob(terms.x).shape == (1, BATCH)


def test_the_gradient_is_finite_and_reaches_both(x):
    model, objective = made()
    value(objective, model, rows(x, torch.tensor([0, -1, 2, 0, 1, -1, -1, 1]))).sum().backward()
    for module in (model, objective):
        slopes = [p.grad for p in module.parameters() if p.grad is not None]
        assert slopes
        assert all(bool(g.isfinite().all()) for g in slopes)
        assert any(bool(g.abs().sum() > 0) for g in slopes)


def test_what_is_known_of_a_row_is_all_or_nothing(x):
    model, objective = made()
    for wrong in ([1, 1, 0], [0.5, 0.5, 0], [0, 0, 0], [torch.nan, 1, 0]):
        given = rows(x, LABELS)
        given[3, 6:] = torch.tensor(wrong)
        with pytest.raises(BadValue, match="covariates for m2: expected one-hot classes, or NaN"):
            objective.check_data(model, given)
    assert objective.check_data(model, rows(x, torch.full((BATCH,), -1)))


def test_without_covariates_there_are_no_classes(x):
    model = nelbo.VAE(6, 2)
    with pytest.raises(BadValue, match="objective m2: expected a model whose covariates"):
        nelbo.fit(model, x, objective=M2(), epochs=1, callbacks=[])


def test_others_refuse_unknown_covariates(x):
    model, _ = made()
    given = rows(x, torch.full((BATCH,), -1)).float()
    for call in (nelbo.evaluate, nelbo.fit):
        with pytest.raises(BadValue, match="covariates: expected known ones.*got NaN in 8 of 8"):
            call(model.float(), given)


@pytest.mark.parametrize("wrong", [{"alpha": -1.0}, {"hidden": ()}, {"lr": 0.0}])
def test_arguments_out_of_range_are_refused(wrong):
    with pytest.raises(BadValue, match=next(iter(wrong))):
        M2(**wrong)


def test_it_trains_and_tells_the_classes(tmp_path):
    """Two clusters of bits, five labels of each; 0.96 to 0.99 of the rest with other seeds."""
    with seeded(3):
        patterns = (torch.rand(2, 30) < 0.5).float()
        labels = torch.randint(2, (600,))
        x = torch.where(torch.rand(600, 30) < 0.15, 1 - patterns[labels], patterns[labels])
        model = nelbo.VAE(30, 1, nelbo.networks.MLP(hidden=(10,)), covariates=2)
    some = torch.full((600,), -1)
    for c in range(2):
        some[(labels == c).nonzero()[:5, 0]] = c
    objective, data = M2(alpha=100.0, hidden=(10,)), beside(x, some, classes=2)
    run = nelbo.fit(
        model, data, objective=objective, epochs=10, lr=0.01, batch=50, out=tmp_path / "run"
    )
    last = run.history[-1]
    assert last["elbo"] == pytest.approx(last["reconstruction"] - last["kl"], rel=1e-6)
    found = objective.classify(data).argmax(-1)
    assert float((found == labels).float().mean()) > 0.9


def test_nothing_is_classified_before_training():
    with pytest.raises(BadValue, match="classify: expected a trained classifier"):
        M2().classify(torch.zeros(2, 4))


def test_a_certain_classifier_has_finite_gradients(x):
    """q(y|x) of 0 to the last bit: x log x has no gradient there, the entropy has one."""
    model, objective = made()
    with torch.no_grad():
        objective.classifier[-1].bias.copy_(torch.tensor([0.0, -1e4, 1e4]))
    value(objective, model, rows(x, torch.full((BATCH,), -1))).sum().backward()
    assert all(bool(p.grad.isfinite().all()) for p in objective.parameters())


def test_what_is_measured_bounds_x_where_the_class_is_unknown(x):
    """log p(x) by quadrature over the classes and many importance samples; the bound is below."""
    model, objective = made()
    unknown, known = rows(x, torch.full((BATCH,), -1)), rows(x, LABELS)
    seen = objective.measured(model)
    bound = nelbo.evaluate(seen, unknown, [nelbo.evaluate.ELBO(samples=500)])["elbo"]
    each = elbo_of_each_class(model, x, 2000)
    with seeded(2):
        every = torch.cat([rows(x, torch.full((BATCH,), c)) for c in range(CLASSES)])
        log_w = model.terms(every, 2000).log_w.view(2000, CLASSES, BATCH)
    truth = (log_w.logsumexp(0) - math.log(2000)).logsumexp(0) - math.log(CLASSES)
    assert bound.value < truth.mean().item()
    q = objective.classify(x).mT
    expected = (q * (each - q.log() - math.log(CLASSES))).sum(0).mean().item()
    assert bound.value == pytest.approx(expected, abs=0.05)
    labelled = nelbo.evaluate(seen, known, [nelbo.evaluate.ELBO(samples=500)])["elbo"]
    plain = nelbo.evaluate(model, known, [nelbo.evaluate.ELBO(samples=500)])["elbo"]
    assert labelled.value == pytest.approx(plain.value, abs=0.05)
    assert seen.reconstruct(known).equal(model.reconstruct(known))
    likeliest = rows(x, objective.classify(x).argmax(-1))
    assert seen.reconstruct(unknown).equal(model.reconstruct(likeliest))


def test_what_is_measured_has_mutual_information_too(x):
    model, objective = made()
    given = rows(x, torch.where(torch.arange(BATCH) < 4, LABELS, -1))
    found = nelbo.evaluate(objective.measured(model), given, [nelbo.evaluate.MutualInformation()])[
        "mutual_information"
    ]
    noise = 5 * found.standard_error
    assert -noise < found.value < math.log(BATCH) + noise


def test_nothing_is_measured_before_training():
    with pytest.raises(BadValue, match="measured: expected a trained classifier"):
        M2().measured(nelbo.VAE(6, 2, covariates=CLASSES))
