"""A likelihood per column: the laws of each, and their sum against scipy on real tables."""

import copy
import json

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy import stats
from scipy.special import expit, log_softmax
from sklearn.datasets import load_breast_cancer, load_wine

import nelbo
from nelbo import registry
from nelbo.errors import BadValue
from nelbo.likelihoods import Bernoulli, Categorical, Columns, Gaussian, Poisson
from nelbo.likelihoods.observed import Observed, fill, filler
from nelbo.rng import seeded
from nelbo.testing.laws import require_gradient, require_samples
from nelbo.testing.quadrature import nodes

NAN = float("nan")
TEXT = (
    "columns:parts=(gaussian(variance=0.3),bernoulli,categorical(categories=4,coding=tokens),"
    "poisson,gaussian(sigma=learned)),sizes=(3,2,1,2,1)"
)
COLUMNS, OUTPUTS = 9, 12


def table(text=TEXT):
    built = registry.build("likelihood", text).double()
    built.setup((sum(built.sizes or [1] * len(built.parts)),))
    return built.eval()


def wine():
    """Return real measurements of 178 wines, some in classes, some rounded to counts."""
    x = load_wine().data
    high = x > np.median(x, 0)
    classes = np.searchsorted(np.quantile(x[:, 9], [0.25, 0.5, 0.75]), x[:, 9])
    standard = (x - x.mean(0)) / x.std(0)
    parts = (standard[:, :3], high[:, 3:5], classes[:, None], x[:, [3, 4]].round(), x[:, [12]])
    return torch.from_numpy(np.concatenate(parts, axis=1, dtype=np.float64))


def scipy_log_densities(x, a):
    """Return log p of every entry; outputs are the parts', flattened, one after the other."""
    return np.concatenate(
        [
            stats.norm.logpdf(x[..., :3], a[..., :3], 0.3**0.5),
            stats.bernoulli.logpmf(x[..., 3:5], expit(a[..., 3:5])),
            np.take_along_axis(
                log_softmax(a[..., 5:9], -1), x[..., 5:6].round().astype(int), axis=-1
            ),
            stats.poisson.logpmf(x[..., 6:8], np.exp(a[..., 9:11])),
            stats.norm.logpdf(x[..., 8:], a[..., 11:], 1.0),
        ],
        axis=-1,
    )


def outputs_for(x, seed=0):
    with seeded(seed):
        return torch.randn(2, len(x), OUTPUTS, dtype=torch.float64)


def test_of_a_real_table_it_is_scipys_sum():
    x, likelihood = wine(), table()
    outputs = outputs_for(x)
    assert likelihood.parameter_shape((COLUMNS,)) == (OUTPUTS,)
    expected = scipy_log_densities(x.expand(2, -1, -1).numpy(), outputs.numpy())
    px = likelihood(outputs)
    assert_allclose(px.log_prob(x).detach(), expected.sum(-1), rtol=1e-6)
    assert_allclose(px.log_probs(x).detach(), expected, rtol=1e-6)
    assert (px.batch_shape, px.event_shape) == ((2, len(x)), (COLUMNS,))


def test_with_a_fifth_missing_it_is_scipys_sum_over_the_rest():
    x, likelihood = wine(), table()
    with seeded(0):
        missing = torch.rand(x.shape) < 0.2
    missing[7] = True
    outputs = outputs_for(x).requires_grad_()
    px = Observed(likelihood(outputs), filler(likelihood, (COLUMNS,)))
    expected = scipy_log_densities(x.expand(2, -1, -1).numpy(), outputs.detach().numpy())
    got = px.log_prob(x.masked_fill(missing, NAN))
    assert_allclose(got.detach(), (expected * ~missing.numpy()).sum(-1), rtol=1e-6)
    assert (got[:, 7] == 0).all()
    (slope,) = torch.autograd.grad(got.sum(), outputs)
    owner = torch.tensor([0, 1, 2, 3, 4, 5, 5, 5, 5, 6, 7, 8])  # the column of each output
    assert (slope[:, missing[:, owner]] == 0).all()
    assert (slope[:, ~missing[:, owner]] != 0).all()


@pytest.mark.parametrize("size", [0.0, 1.0, -30.0, 30.0])
def test_a_missing_entry_moves_nothing_wherever_the_outputs_are(size):
    x, likelihood = wine()[:20], table()
    x[:, ::2] = NAN
    outputs = torch.full_like(outputs_for(x), size).requires_grad_()
    px = Observed(likelihood(outputs), filler(likelihood, (COLUMNS,)))
    log_px = px.log_prob(x)
    (slope,) = torch.autograd.grad(log_px.sum(), outputs)
    assert log_px.isfinite().all()
    assert slope.isfinite().all()
    assert (slope[..., [0, 2, 4, 9, 11]] == 0).all()


@pytest.mark.parametrize("gone", [0, 2, 4])
def test_to_remove_a_part_is_to_mask_its_columns(gone):
    x, likelihood = wine(), table()
    outputs = outputs_for(x)
    ends = np.cumsum([0, 3, 2, 1, 2, 1])
    columns = [i for i in range(COLUMNS) if not ends[gone] <= i < ends[gone + 1]]
    places = np.cumsum([0, 3, 2, 4, 2, 1])
    kept = [i for i in range(OUTPUTS) if not places[gone] <= i < places[gone + 1]]
    left = [i for i in range(5) if i != gone]
    some = Columns(
        tuple(likelihood.parts[i] for i in left), tuple(likelihood.sizes[i] for i in left)
    )
    masked = x.clone()
    masked[:, ends[gone] : ends[gone + 1]] = NAN
    px = Observed(likelihood(outputs), filler(likelihood, (COLUMNS,)))
    assert_allclose(
        px.log_prob(masked).detach(),
        some(outputs[..., kept]).log_prob(x[:, columns]).detach(),
        rtol=1e-12,
    )


def test_twice_the_columns_are_twice_the_nats():
    x, likelihood = wine(), table()
    outputs = outputs_for(x)
    twice = Columns(likelihood.parts + copy.deepcopy(likelihood.parts), likelihood.sizes * 2)
    got = twice(outputs.repeat(1, 1, 2)).log_prob(x.repeat(1, 2))
    assert_allclose(got.detach(), 2 * likelihood(outputs).log_prob(x).detach(), rtol=1e-12)


def test_a_size_repeats_its_likelihood():
    x = wine()[:, :3]
    outputs = outputs_for(x)[..., :3]
    whole = Gaussian(variance=0.3)
    one_each = Columns(tuple(Gaussian(variance=0.3) for _ in range(3)))
    for likelihood in (Columns((whole,), (3,)), one_each):
        assert_allclose(likelihood(outputs).log_prob(x), whole(outputs).log_prob(x), rtol=1e-12)


@pytest.mark.parametrize("column", range(COLUMNS))
def test_every_column_is_normalised_and_states_its_moments(column):
    likelihood = table()
    outputs = outputs_for(wine()[:1])[:1]
    px = likelihood(outputs)
    part = np.repeat(np.arange(5), likelihood.sizes)[column]
    mean, variance = px.mean[0, 0, column].detach(), px.variance[0, 0, column].detach()
    x, weights = nodes(likelihood.parts[part].support, float(mean), float(variance.sqrt()))
    rows = fill(torch.full((len(x), COLUMNS), NAN).double(), wine()[0])
    rows[:, column] = x
    each = likelihood(outputs.expand(1, len(x), -1)).log_probs(rows)[0, :, column].detach()
    mass = weights * each.exp()
    moments = torch.stack((mass.sum(), (mass * x).sum(), (mass * (x - mean) ** 2).sum()))
    assert_allclose(moments, torch.stack((torch.ones_like(mean), mean, variance)), rtol=1e-6)


def test_samples_and_gradients():
    likelihood = table()
    x = wine()[:5]
    outputs = outputs_for(x)
    with seeded(0):
        require_samples(likelihood, likelihood(outputs[:1, :2]))
        outputs.requires_grad_()
        own = (outputs, *likelihood.parameters())
        require_gradient(likelihood, "gradient", lambda: likelihood(outputs).log_prob(x), own)


def test_output_at_the_mean_of_a_table():
    likelihood, mean = table(), wine().mean(0)
    output = likelihood.output_at(mean)
    assert output.shape == (OUTPUTS,)
    assert_allclose(likelihood(output[None, None]).mean[0, 0].detach(), mean, rtol=1e-6)


def test_noise_variances_are_the_parts():
    known = Columns((Gaussian(variance=0.3), Bernoulli()), (2, 1))
    mean = torch.tensor([5.0, 6.0, 0.25])
    assert_allclose(known.noise_variance(mean), [0.3, 0.3, 0.1875], rtol=1e-6)
    assert Columns((Gaussian(), Categorical(4, "tokens"))).noise_variance(mean[:2]) is None


def test_the_most_probable_row():
    likelihood = Columns((Gaussian(), Categorical(3, "tokens")))
    assert likelihood(torch.tensor([[[7.0, 0, 5.0, 1.0]]])).mode.tolist() == [[[7.0, 1.0]]]


def test_it_says_what_it_is():
    likelihood = table()
    assert likelihood.belief == "columns: 4 Gaussian, 2 Bernoulli, 1 Categorical, 2 Poisson"
    measure = likelihood.base_measure
    assert measure.startswith("density on R^4 x mass on {0, 1}^2 x mass on ")
    assert "^D" not in measure
    assert Bernoulli.warning in likelihood.warning
    assert likelihood.implied_variance is None


def test_text_and_record_give_it_back():
    record = registry.spec(table())
    text = registry.text(record)
    assert registry.spec(registry.build("likelihood", text)) == record
    assert registry.spec(registry.build("likelihood", json.loads(json.dumps(record)))) == record
    assert "bernoulli()" in text
    nested = "columns:parts=(columns(parts=(bernoulli(),poisson())),bernoulli()),sizes=(2,1)"
    assert registry.text(registry.spec(registry.build("likelihood", nested))) == nested


def test_weights_are_saved_and_copied():
    likelihood = table()
    other = copy.deepcopy(likelihood)
    with torch.no_grad():
        next(other.parameters()).add_(1.0)
    assert len(list(likelihood.parameters())) == 1
    assert not torch.equal(likelihood.parts[-1].scale(), other.parts[-1].scale())
    likelihood.load_state_dict(other.state_dict())
    assert torch.equal(likelihood.parts[-1].scale(), other.parts[-1].scale())


def test_a_table_is_forecast_and_trained(tmp_path):
    x = wine().float()
    x[:, 8] /= 100  # no counts
    likelihood = registry.build("likelihood", TEXT)
    assert nelbo.forecast(x, likelihood).margin > 1
    with seeded(0):
        model = nelbo.VAE(data_shape=COLUMNS, latent=2, likelihood=likelihood)
    model.initialise(nelbo.data.Examples(x).mean(), x)
    with torch.no_grad(), seeded(0):
        before = model.terms(x).log_px.mean()
    nelbo.fit(model, x, epochs=20, batch=32)
    with torch.no_grad(), seeded(0):
        assert model.terms(x).log_px.mean() > before


def test_a_forecast_refuses_gaps():
    x = torch.from_numpy(load_breast_cancer().data[:, :3])
    x[4, 1] = NAN
    with pytest.raises(BadValue, match="data of a forecast: expected finite values, got NaN, a m"):
        nelbo.forecast(x, Gaussian(variance=1.0))


def test_counts_and_categories_of_one_kind_share_a_part():
    x = wine()[:, 6:8]
    outputs = outputs_for(x)[..., :2]
    expected = Poisson()(outputs).log_prob(x)
    assert_allclose(Columns((Poisson(),), (2,))(outputs).log_prob(x), expected, rtol=1e-12)
