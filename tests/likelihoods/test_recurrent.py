"""Recurrent decoders: every sequence has a mass, only steps before are seen."""

import itertools

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy import stats
from scipy.special import expit, log_softmax

import nelbo
from nelbo import registry
from nelbo.errors import BadValue
from nelbo.likelihoods import Bernoulli, Categorical, Gaussian, Recurrent
from nelbo.rng import seeded
from tests.likelihoods import autoregressive_laws as laws


def words(cell="gru", word_dropout=0.0, length=3):
    of = Categorical(categories=3, coding="tokens")
    built = Recurrent(of, hidden=5, cell=cell, word_dropout=word_dropout, features=2)
    return laws.built(built, (length,))


def series(data_shape=(2, 4)):
    return laws.built(Recurrent(Gaussian(variance=0.5), hidden=5, features=2), data_shape)


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_the_masses_of_all_sequences_sum_to_one(cell):
    laws.assert_mass_is_one(words(cell), [0.0, 1.0, 2.0], (3,))


def test_of_several_features_a_step_too():
    of = laws.built(Recurrent(Bernoulli(), hidden=4), (2, 3))
    laws.assert_mass_is_one(of, [0.0, 1.0], (2, 3))
    laws.assert_draws_are_the_masses(of, [0.0, 1.0], (2, 3))


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_draws_are_the_masses(cell):
    laws.assert_draws_are_the_masses(words(cell), [0.0, 1.0, 2.0], (3,))


def test_a_step_sees_those_before_it_and_nothing_else():
    shape = (2, 4)
    seen = laws.influence(series(shape), shape)
    for (i, at), (j, other) in itertools.product(enumerate(np.ndindex(shape)), repeat=2):
        assert (seen[i, j] > 0) == (other[1] < at[1]), (at, other)


# r, u = sigmoid(W x + b + U h + c),  n = tanh(W x + b + r (U h + c)),  h' = (1 - u) n + u h
#                                                                Cho et al. 2014, (5) to (8)
def gru(w, inputs):
    def affine(kind, v):
        return (w[f"cell.weight_{kind}_l0"] @ v + w[f"cell.bias_{kind}_l0"]).reshape(3, -1)

    h, states = np.zeros(5), []
    for x in inputs:
        (xr, xu, xn), (hr, hu, hn) = affine("ih", x), affine("hh", h)
        update = expit(xu + hu)
        h = (1 - update) * np.tanh(xn + expit(xr + hr) * hn) + update * h
        states.append(h)
    return states


def lstm(w, inputs):
    h, c, states = np.zeros(5), np.zeros(5), []
    for x in inputs:
        v = w["cell.weight_ih_l0"] @ x + w["cell.bias_ih_l0"]
        v = v + w["cell.weight_hh_l0"] @ h + w["cell.bias_hh_l0"]
        i, f, g, o = v.reshape(4, -1)
        c = expit(f) * c + expit(i) * np.tanh(g)
        h = expit(o) * np.tanh(c)
        states.append(h)
    return states


def weights(likelihood):
    return {k: v.numpy() for k, v in likelihood.network.state_dict().items()}


@pytest.mark.parametrize(("cell", "states"), [("gru", gru), ("lstm", lstm)])
def test_of_words_it_is_the_equations_step_by_step(cell, states):
    likelihood = words(cell, length=6)
    given = laws.maps(likelihood, (6,), 1, 1)
    x, w = np.array([2, 0, 1, 1, 0, 2]), weights(likelihood)
    before = np.concatenate((np.zeros((1, 3)), np.eye(3)[x[:-1]]))
    inputs = np.concatenate((before, given[0, 0].numpy().T), axis=1)
    logits = np.array([w["output.weight"] @ h + w["output.bias"] for h in states(w, inputs)])
    expected = log_softmax(logits, -1)[np.arange(6), x].sum()
    got = likelihood(given).log_prob(torch.from_numpy(x).double()[None])
    assert_allclose(got.item(), expected, rtol=1e-6)


def test_of_numbers_it_is_the_equations_step_by_step():
    likelihood, w = series((2, 4)), weights(series((2, 4)))
    given = laws.maps(likelihood, (2, 4), 1, 1)
    x = np.random.default_rng(0).normal(size=(2, 4))
    read = np.concatenate((x, np.ones_like(x)))
    before = np.concatenate((np.zeros((4, 1)), read[:, :-1]), axis=1)
    inputs = np.concatenate((before, given[0, 0].numpy())).T
    mean = np.array([w["output.weight"] @ h + w["output.bias"] for h in gru(w, inputs)]).T
    got = likelihood(given).log_prob(torch.from_numpy(x)[None])
    assert_allclose(got.item(), stats.norm.logpdf(x, mean, 0.5**0.5).sum(), rtol=1e-6)


def test_word_dropout_hides_steps_in_training_alone():
    likelihood, x = words(word_dropout=1.0), torch.tensor([[2.0, 0.0, 1.0]]).double()
    given = laws.maps(likelihood, (3,), 1, 1)
    whole = likelihood(given).log_prob(x)
    network, nothing = likelihood.network, torch.zeros(1, 3, 1, 3).double()
    unseen = log_softmax(network(nothing, given[0]).detach().numpy()[0, :, 0], 0)
    likelihood.train()
    hidden = likelihood(given).log_prob(x).item()
    assert hidden == pytest.approx(unseen[[2, 0, 1], range(3)].sum(), rel=1e-6)
    assert hidden != pytest.approx(whole.item(), rel=1e-3)


def test_word_dropout_hides_the_share_that_is_stated():
    likelihood, n = words(word_dropout=0.3).train(), 20_000
    with seeded(0):
        shown = likelihood.hide(torch.ones(n, 3, 1, 5).double())
    assert bool((shown == shown[:, :1]).all())  # a word is hidden whole
    share = float(1 - shown[:, 0].mean())
    assert abs(share - 0.3) < 5 * (0.3 * 0.7 / (5 * n)) ** 0.5


def test_without_weights_it_is_the_likelihood_it_is_made_of():
    likelihood = words()
    with torch.no_grad():
        for parameter in likelihood.network.parameters():
            parameter.zero_()
        likelihood.network.output.bias.copy_(torch.tensor([0.0, 1.0, 2.0]))
    px = likelihood(laws.maps(likelihood, (3,)))
    x = px.sample()
    expected = log_softmax([0.0, 1.0, 2.0])[x.long().numpy()].sum(-1)
    assert_allclose(px.log_prob(x).detach(), expected, rtol=1e-6)
    alone = likelihood.of(torch.tensor([0.0, 1.0, 2.0]).reshape(1, 1, 3, 1).double())
    torch.testing.assert_close(px.mean, alone.mean.expand(2, 2, 3))


def test_laws():
    laws.assert_numbers_are_finite(words(), (3,))
    laws.assert_numbers_are_finite(words("lstm"), (3,))
    laws.assert_examples_are_independent(series(), (2, 4))
    laws.assert_mean_is_fed_with_means(series(), (2, 4))
    laws.assert_missing_entries_are_left_out(words(), [0.0, 1.0, 2.0], (3,), [1])


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_a_step_can_be_traced(cell):
    laws.assert_can_be_traced(words(cell, word_dropout=0.3), (3,))


def test_its_text_is_its_configuration():
    text = (
        "recurrent:of=categorical(categories=9,coding=tokens),hidden=16,cell=lstm,"
        "word_dropout=0.25,features=3"
    )
    built = registry.build("likelihood", text)
    assert registry.text(registry.spec(built)) == text
    assert built.parameter_shape((30,)) == (3, 30)
    assert built.belief


def cycles(n=300):
    """Return sequences 0 1 2 0 1 2 ..., from a random start: what only z can tell is the start."""
    with seeded(0):
        start = torch.randint(3, (n, 1))
    return ((start + torch.arange(9)) % 3).float()


def test_it_learns_a_grammar_and_the_doctor_runs():
    data = cycles()
    of = Categorical(categories=3, coding="tokens")
    with seeded(0):
        likelihood = Recurrent(of, hidden=16, features=4)
        network = nelbo.networks.MLP(hidden=(16,))
        model = nelbo.VAE((9,), 2, network=network, likelihood=likelihood)
    run = nelbo.fit(model, data, epochs=20, batch=50, lr=0.02, callbacks=[])
    # what is left is at most the choice of a start, of log 3 nats
    assert run.history[-1]["elbo"] > -np.log(3) - 0.5
    draws = model.decode(torch.zeros(1, 50, 2)).sample()[0]
    steps = (draws[:, 1:] - draws[:, :-1]) % 3
    assert float((steps == 1).double().mean()) > 0.9
    found = nelbo.diagnose(model, data)
    assert found.forecast is None
    assert "kl_per_latent" in found.measures


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"cell": "gruu"}, "cell: expected a known cell, got 'gruu'. Did you mean 'gru'?"),
        ({"word_dropout": 1.5}, "word_dropout: expected a share, from 0 to 1, got 1.5"),
        ({"hidden": 0}, "hidden: expected an integer of at least 1"),
    ],
)
def test_what_cannot_be_is_refused(arguments, message):
    with pytest.raises(BadValue, match=message.replace("?", r"\?")):
        Recurrent(Bernoulli(), **arguments)
