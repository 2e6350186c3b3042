"""The batteries: every registered component keeps the laws and agrees with its independent row."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from torch.distributions import Independent, Normal, transform_to

import nelbo
from nelbo import registry
from nelbo.distributions.codes import CODES
from nelbo.distributions.top_down import TopDownNetwork
from nelbo.objectives import LearningObjective
from nelbo.rng import seeded
from nelbo.terms import Terms
from nelbo.testing import check_likelihood, check_objective, check_posterior, check_prior
from nelbo.testing.laws import ESTIMATED
from nelbo.testing.spaces import space
from nelbo.testing.surroundings import linear_model, surrounded
from tests.references import LIKELIHOODS, NETWORKS, OBJECTIVES, POSTERIORS, PRIORS, ROWS, SCHEDULES
from tests.references.rows import Pass

COMPONENTS = [(axis, name) for axis in ROWS for name in registry.names(axis)]
VARIATIONS = [(axis, text) for axis, rows in ROWS.items() for text in rows]


def rows_of(axis, name):
    return [text for text in ROWS[axis] if registry.parse(text)["name"] == name]


def holds_the_users_objects(axis, name):
    """A component such as `modules`, made of the user's own, has a test file of its own."""
    parameters = registry.parameters(registry.component(axis, name)).values()
    own = ("Module", "Likelihood")
    return any(
        p.default is p.empty and any(o in str(p.annotation) for o in own) for p in parameters
    )


def own_file(axis, name):
    return Path(__file__).parent / f"{axis}s" / f"test_{name}.py"


@pytest.mark.parametrize(("axis", "name"), COMPONENTS)
def test_every_registered_component_has_a_row(axis, name):
    if holds_the_users_objects(axis, name):
        assert own_file(axis, name).exists()
    elif axis != "objective" or not own_file(axis, name).exists():  # a critic has no closed value
        assert rows_of(axis, name), f"add a row for {axis} '{name}' to tests/references.py"


@pytest.mark.parametrize(("axis", "name"), COMPONENTS)
def test_every_argument_is_set_in_some_row(axis, name):
    if not holds_the_users_objects(axis, name) and rows_of(axis, name):
        arguments = set(registry.parameters(registry.component(axis, name)))
        set_somewhere = {
            key for text in rows_of(axis, name) for key in registry.parse(text)["arguments"]
        }
        assert arguments == set_somewhere


@pytest.mark.parametrize(("axis", "text"), VARIATIONS)
def test_text_and_record_give_the_component_back(axis, text):
    record = registry.spec(registry.build(axis, text))
    assert registry.spec(registry.build(axis, json.loads(json.dumps(record)))) == record
    assert registry.spec(registry.build(axis, registry.text(record))) == record


def likelihood(text):
    built = registry.build("likelihood", text).double().eval()
    state = {k: torch.tensor(v, dtype=torch.float64) for k, v in LIKELIHOODS[text].state.items()}
    built.load_state_dict({**built.state_dict(), **state})
    return built


@pytest.mark.parametrize("data_shape", [(1, 2, 3), (4,)])
@pytest.mark.parametrize("text", LIKELIHOODS)
def test_likelihood_keeps_the_laws(text, data_shape):
    check_likelihood(likelihood(text), data_shape)


def outputs_and_data(built):
    with seeded(0):
        shape = built.parameter_shape((1, 2, 3))
        outputs = 3 * torch.randn(2, 4, *shape, dtype=torch.float64)
        outputs[0, 0] = 0.0
        if built.support.is_discrete:
            return outputs, built(outputs).sample()[0]
        return outputs, transform_to(built.support)(torch.randn(4, 1, 2, 3, dtype=torch.float64))


@pytest.mark.parametrize("text", LIKELIHOODS)
def test_likelihood_density_is_the_references(text):
    built = likelihood(text)
    outputs, x = outputs_and_data(built)
    expanded = x.expand(len(outputs), *x.shape).numpy()
    expected = LIKELIHOODS[text].log_density(expanded, outputs.numpy())
    got = built(outputs).log_prob(x).detach().numpy()
    assert_allclose(got, expected.sum((-3, -2, -1)), rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("moment", ["mean", "variance"])
@pytest.mark.parametrize("text", LIKELIHOODS)
def test_likelihood_moment_is_the_references(text, moment):
    built = likelihood(text)
    outputs, _ = outputs_and_data(built)
    expected = getattr(LIKELIHOODS[text], moment)(outputs.numpy())
    assert_allclose(getattr(built(outputs), moment).detach().numpy(), expected, rtol=1e-6)


@pytest.mark.parametrize("text", LIKELIHOODS)
def test_implied_variance_is_the_references_where_all_features_share_one(text):
    built, row = likelihood(text), LIKELIHOODS[text]
    outputs = np.random.default_rng(0).normal(size=built.parameter_shape((3,)))
    variances = row.variance(outputs)
    shared = bool(np.isfinite(variances).all() and np.ptp(variances) < 1e-12)
    expected = pytest.approx(variances[0], rel=1e-6) if shared else None
    assert built.implied_variance == expected


def pairs():
    """Return posteriors with a prior; where the KL is closed, with every prior of their measure."""
    for posterior, row in POSTERIORS.items():
        measure = registry.build("posterior", posterior).base_measure
        built = {text: registry.build("prior", text) for text in PRIORS}
        # levels are so many latents, and no others
        same = [
            text
            for text, prior in built.items()
            if prior.base_measure == measure and not isinstance(prior, TopDownNetwork)
        ]
        same.sort(key=lambda text: text != "standard")  # where one is enough, the plainest
        chosen = [row.prior] if row.prior else (same if row.kl else same[:1])
        yield from ((posterior, prior) for prior in chosen)


@pytest.mark.parametrize(("posterior", "prior"), list(pairs()))
def test_posterior_keeps_the_laws(posterior, prior):
    check_posterior(registry.build("posterior", posterior), registry.build("prior", prior))


def posterior_and_outputs(text):
    built = registry.build("posterior", text)
    with seeded(0):
        built.setup(3)
        if POSTERIORS[text].prior:
            prior, _ = surrounded(registry.build("prior", POSTERIORS[text].prior), 3)
            POSTERIORS[text].weights(prior)
            built.connect(prior)
        built = built.double().eval()
        outputs = torch.randn(4, *built.parameter_shape(3), dtype=torch.float64)
    POSTERIORS[text].weights(built)
    return built, outputs


def assert_moments(got, row_mean, row_variance, **tolerance):
    if getattr(got, "moments_are_estimated", False):  # as far off as the laws allow
        assert bool(((got.mean - row_mean).abs() < ESTIMATED * got.stddev).all())
        tolerance = {"rtol": 2 * ESTIMATED}
    else:
        assert_allclose(got.mean.detach(), row_mean, **tolerance)
    assert_allclose(got.variance.detach(), row_variance, **tolerance)


@pytest.mark.parametrize("text", POSTERIORS)
def test_posterior_is_the_references(text):
    (built, outputs), row = posterior_and_outputs(text), POSTERIORS[text]
    with seeded(0):
        z = space(built).place(torch.randn(2, 4, 3, dtype=torch.float64))
    q = built.within(outputs, linear_model(4, 3))
    if getattr(q, "knows_only_its_draws", False):
        with seeded(0):
            z = q.rsample(torch.Size((2,)))
    if getattr(q, "has_density", True):
        expected = row.log_density(z.detach().numpy(), outputs.numpy())
        assert_allclose(q.log_prob(z).detach(), expected, rtol=1e-6)
    moments = (torch.as_tensor(m(outputs.numpy())) for m in (row.mean, row.variance))
    assert_moments(q, *moments, rtol=1e-6)


@pytest.mark.parametrize("text", [text for text, row in POSTERIORS.items() if row.kl])
def test_closed_kl_is_the_quadratures(text):
    (built, outputs), row = posterior_and_outputs(text), POSTERIORS[text]
    p = nelbo.priors.Standard()
    p.setup(3)
    q = built(outputs)
    z = q.rsample(torch.Size((1,)))
    terms = Terms(torch.zeros(4, 3).double(), z, Independent(Normal(z, 1.0), 1), q, p.double()())
    got = terms.kl if terms.has_closed_kl else terms.kl_total
    assert_allclose(got, row.kl(outputs.numpy()), rtol=1e-6)


@pytest.mark.parametrize("text", PRIORS)
def test_prior_keeps_the_laws(text):
    check_prior(registry.build("prior", text))


@pytest.mark.parametrize("text", PRIORS)
def test_prior_is_the_references(text):
    row = PRIORS[text]
    built, context = surrounded(registry.build("prior", text), 3)
    row.weights(built)
    p = built.within(context)
    on_codes = built.base_measure == CODES
    with seeded(0):
        size = torch.Size((2, 4))
        noise = torch.randn(*size, 3, dtype=torch.float64)
        z = p.sample(size) if on_codes else space(built).place(noise)
    assert_allclose(p.log_prob(z).detach(), row.log_density(z.numpy()), rtol=1e-6)
    if not on_codes:
        moments = torch.as_tensor(row.mean), torch.as_tensor(row.variance)
        assert_moments(p, *moments, rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("text", OBJECTIVES)
def test_objective_keeps_the_laws(text):
    check_objective(registry.build("objective", text))


@pytest.mark.parametrize("text", OBJECTIVES)
def test_objective_is_the_references(text):
    row = OBJECTIVES[text]
    with seeded(0):
        parameters = torch.randn(4, 2, 3, dtype=torch.float64)
        z = torch.randn(8, 4, 3, dtype=torch.float64)
        x = torch.randn(4, 3, dtype=torch.float64)
    p = nelbo.priors.Standard()
    p.setup(3)
    q = nelbo.posteriors.Diagonal()(parameters)
    q.distance = q.mean.square().sum(-1)  # as quantised latents have it
    px = Independent(Normal(z, torch.tensor(0.5).double()), 1)
    terms = Terms(x, z, px, q, p.double()())
    log_px = log_density_of_sigma_half(x.numpy(), z.numpy())
    kl = POSTERIORS["diagonal"].kl(parameters.numpy())
    mu, logvar = parameters.numpy().swapaxes(0, 1)
    at = Pass(x.numpy(), z.numpy(), mu, logvar, log_px, kl)
    objective = registry.build("objective", text)
    if isinstance(objective, LearningObjective):
        objective.setup((3,), 3)
        objective.double()
    objective = objective.at(row.step)
    assert_allclose(objective(terms).detach(), row.value(at), rtol=1e-6)


def log_density_of_sigma_half(x, mean):
    return np.sum(-2 * (x - mean) ** 2 - np.log(0.5) - 0.5 * np.log(2 * np.pi), axis=-1)


@pytest.mark.parametrize("text", OBJECTIVES)
def test_objective_says_what_it_believes(text):
    assert registry.build("objective", text).belief.strip()


@pytest.mark.parametrize("text", SCHEDULES)
def test_schedule_is_the_references(text):
    schedule = registry.build("schedule", text)
    for step, value in SCHEDULES[text].items():
        assert schedule(step) == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize("text", NETWORKS)
def test_network_has_the_shapes_and_sizes_of_the_reference(text):
    network = registry.build("network", text)
    encoder, decoder = network.make_encoder((1, 2, 3), (2, 3)), network.make_decoder(3, (1, 2, 3))
    assert encoder(torch.zeros(4, 1, 2, 3)).shape == (4, 2, 3)
    assert decoder(torch.zeros(4, 3)).shape == (4, 1, 2, 3)
    sizes = tuple(sum(p.numel() for p in half.parameters()) for half in (encoder, decoder))
    assert sizes == NETWORKS[text]
