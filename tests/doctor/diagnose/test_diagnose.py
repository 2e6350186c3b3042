"""What a diagnosis measures and says, on models whose disease was given them."""

import math
import re

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from torch import nn

import nelbo
from nelbo.doctor.diagnose import adapt, diagnose
from nelbo.errors import BadType, BadValue
from nelbo.likelihoods import Bernoulli, Gaussian
from nelbo.objectives import Linear
from nelbo.rng import seeded


def sample(mu, logvar):
    return mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)


def test_the_exact_model_is_healthy_and_measured_in_closed_form(exact, healthy, codes):
    model = healthy(
        sample=sample, likelihood=Gaussian(variance=exact.variance), beta=1.0, steps=100
    )
    found = diagnose(model, exact.x)
    assert codes(found) == []
    assert found.ok
    assert found.audit is None
    value = {name: estimate.value for name, estimate in found.measures.items()}
    assert value["active_units"] == 3
    kl = -0.5 * np.log(exact.variance / exact.m).sum()
    assert_allclose(value["kl_per_latent"], kl, rtol=0.05)  # the data's own moments, of 1000
    assert_allclose(value["decoder_sensitivity"], (exact.w**2).sum() / exact.variance, rtol=1e-3)
    assert value["aggregate_posterior_bound"] < 0.05
    assert abs(value["prior_spread"] - 1) < 0.2
    eigenvalues = np.linalg.eigvalsh(np.cov(exact.x.T, bias=True))[::-1]
    assert_allclose(value["pca_error"], eigenvalues[3:].sum(), rtol=1e-4)
    assert_allclose(found.measures["pca_error"].parts[0], eigenvalues[1:].sum(), rtol=1e-4)
    assert_allclose(found.forecast.margin, eigenvalues[0] / exact.variance, rtol=1e-3)


def test_numpy_and_torch_are_told_the_same(exact, healthy, codes):
    ours = diagnose(healthy(), exact.x)
    theirs = diagnose(adapt(encode=exact.encode, decode=exact.decode), exact.x)
    assert codes(theirs) == codes(ours) == []
    for name, estimate in theirs.measures.items():
        assert_allclose(estimate.value, ours.measures[name].value, rtol=1e-3, err_msg=name)


def test_a_nelbo_model_needs_no_adapter(codes):
    with seeded(0):
        model = nelbo.VAE(8, 3, network=nelbo.networks.MLP(hidden=(16,)))
        x = (torch.rand(400, 2) @ torch.rand(2, 8) > 0.5).float()
    nelbo.fit(model, x, epochs=40, lr=1e-2, callbacks=[])
    model.train()
    found = diagnose(model, x)
    assert codes(found) == []
    assert found.forecast.margin > 1
    assert model.training
    assert model.decoder.training


def test_the_same_seed_says_the_same_and_leaves_the_generators_alone(exact, healthy):
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    first, second = (diagnose(healthy(), exact.x, seed=1) for _ in range(2))
    assert torch.rand(1) == expected
    assert first.findings == second.findings
    assert first.measures == second.measures
    other = diagnose(healthy(), exact.x, seed=2)
    assert other.measures["prior_spread"].value != first.measures["prior_spread"].value


def test_examples_are_spread_over_the_data_and_streams_are_cut(exact, healthy):
    found = diagnose(healthy(), exact.x, examples=100)
    assert found.measures["active_units"].examples == 100
    stream = list(torch.from_numpy(exact.x).split(30))
    found = diagnose(healthy(), stream, examples=100)
    assert found.measures["active_units"].examples == 100


def test_sorted_data_is_seen_in_random_order(exact, healthy):
    """The prior against the first thousand of sorted examples would be the prior against a half."""
    order = np.argsort(exact.encode(exact.x)[0][:, 0])
    found = diagnose(healthy(), np.repeat(exact.x[order], 2, axis=0))
    assert abs(found.measures["prior_spread"].value - 1) < 0.2
    assert found.measures["aggregate_posterior_bound"].value < 0.05


def test_few_learnt_features_among_many_of_noise(exact, pair, codes):
    """Their mean deviation is less than a hundredth of the data's, but the decoder listens."""
    encoder, decoder = pair
    noise = np.random.default_rng(1).normal(size=(500, 1000)).astype(np.float32)
    x = np.concatenate([exact.x[:500], noise], axis=1)

    def decode(z):
        return nn.functional.pad(decoder(z), (0, 1000))

    found = diagnose(adapt(encode=lambda x: encoder(x[:, :8]), decode=decode), x)
    assert found.measures["output_deviation"].value < 0.01
    assert codes(found) == []


# --- diseases ---------------------------------------------------------------------------------


def test_numbers_that_are_not_finite_are_named(exact, pair, codes):
    encoder, decoder = pair
    with torch.no_grad():
        decoder.weight[2, 1] = math.nan
    found = diagnose(adapt(encode=encoder, decode=decoder), exact.x)
    assert codes(found) == ["not_finite"]
    assert found.findings[0].evidence["tensor"] == "weight"
    assert not found.ok


def test_what_overflows_on_the_way_is_named(exact, healthy, codes):
    encoder = nn.Linear(8, 6)
    with torch.no_grad():
        encoder.weight *= 1e4
    found = diagnose(
        healthy(encode=lambda x: tuple(encoder(x).exp().chunk(2, dim=1)), encoder=encoder), exact.x
    )
    assert codes(found) == ["not_finite"]
    assert found.findings[0].evidence["tensor"] == "exp"


@pytest.mark.parametrize("way", ["requires_grad", "optimizer", "step"])
def test_a_frozen_encoder(exact, pair, codes, way):
    encoder, decoder = pair
    arguments = {}
    if way == "requires_grad":
        encoder.requires_grad_(False)
    if way == "optimizer":
        arguments["optimizer"] = torch.optim.Adam(decoder.parameters())
    if way == "step":

        def step(x):
            with torch.no_grad():
                mu, logvar = encoder(x)
            kl = -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum(1).mean()
            return ((decoder(sample(mu, logvar)) - x) ** 2).sum(1).mean() + kl

        arguments["step"] = step
    found = diagnose(adapt(encode=encoder, decode=decoder, **arguments), exact.x)
    assert codes(found)[0] == "frozen_encoder"


@pytest.mark.parametrize("way", ["everything", "detached", "both in the optimizer"])
def test_what_only_looks_frozen(exact, pair, codes, way):
    """A model loaded for use only, an adapter that detaches, an optimizer that has both halves."""
    encoder, decoder = pair
    encode, arguments = encoder, {}
    if way == "everything":
        encoder.requires_grad_(False)
        decoder.requires_grad_(False)
    if way == "detached":
        encode = lambda x: tuple(t.detach() for t in encoder(x))  # noqa: E731
    if way == "both in the optimizer":
        arguments["optimizer"] = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()])
    assert codes(diagnose(adapt(encode=encode, decode=decoder, **arguments), exact.x)) == []


class Deep(nn.Module):
    """The exact decoder behind a layer of activations, `broken` of ten of which are stuck."""

    def __init__(self, decoder, activation, broken):
        super().__init__()
        self.widen, self.act, self.narrow = nn.Linear(3, 10), activation(), nn.Linear(10, 8)
        with torch.no_grad():
            self.widen.weight.zero_()
            self.narrow.weight.zero_()
            self.widen.bias.fill_(-50.0 if activation is nn.ReLU else 5.0)
            alive = min(3, 10 - broken)
            self.widen.weight[:alive, :alive] = torch.eye(alive) * 0.1
            self.widen.bias[: 10 - broken] = 0.5
            self.narrow.weight[:, :alive] = decoder.weight[:, :alive] * 10
            self.narrow.bias.copy_(decoder.bias - 5 * decoder.weight[:, :alive].sum(1))

    def forward(self, z):
        return self.narrow(self.act(self.widen(z)))


@pytest.mark.parametrize(
    ("activation", "code"), [(nn.ReLU, "dead_units"), (nn.Tanh, "saturated_units")]
)
@pytest.mark.parametrize("broken", [0, 5, 9, 10])
def test_units_that_are_stuck(exact, pair, codes, activation, code, broken):
    encoder, decoder = pair
    deep = Deep(decoder, activation, broken)
    found = diagnose(adapt(encode=encoder, decode=deep), exact.x)
    assert (code in codes(found)) == (broken >= 9)
    if broken >= 9:
        assert codes(found)[0] == code
        evidence = found.findings[0].evidence
        assert evidence["layer"] == f"act ({activation.__name__})"
        assert evidence["units"] == 10
        assert broken in evidence.values()


def squashed(x):
    """Data in [0, 1] of the same dependence."""
    return (1 / (1 + np.exp(-x))).astype(np.float32)


@pytest.mark.parametrize(
    ("end", "data", "code"),
    [
        (torch.sigmoid, lambda x: squashed(x) * 255, "range_mismatch"),
        (torch.sigmoid, lambda x: x, "range_mismatch"),
        (torch.tanh, lambda x: 3 * x, "range_mismatch"),
        (torch.tanh, squashed, "range_mismatch"),
        (torch.relu, lambda x: x, "range_mismatch"),
        (lambda a: torch.sigmoid(torch.sigmoid(a)), squashed, "double_sigmoid"),
        (torch.sigmoid, squashed, None),
        (torch.tanh, lambda x: 2 * squashed(x) - 1, None),
        (lambda a: a, squashed, None),
    ],
)
def test_ranges(exact, pair, codes, end, data, code):
    encoder, decoder = pair
    found = diagnose(adapt(encode=encoder, decode=lambda z: end(decoder(z))), data(exact.x))
    said = [c for c in codes(found) if c in ("range_mismatch", "double_sigmoid")]
    assert said == ([] if code is None else [code])
    if code is not None:
        assert codes(found)[0] == code


def test_probabilities_called_logits(exact, pair, codes):
    encoder, decoder = pair
    model = adapt(encode=encoder, decode=lambda z: torch.sigmoid(decoder(z)), output="logits")
    assert codes(diagnose(model, squashed(exact.x)))[0] == "double_sigmoid"


def test_two_sigmoids_are_seen_in_numpy_too(exact, codes):
    def sigmoid(a):
        return 1 / (1 + np.exp(-a))

    model = adapt(encode=exact.encode, decode=lambda z: sigmoid(sigmoid(exact.decode(z))))
    assert codes(diagnose(model, squashed(3 * exact.x)))[0] == "double_sigmoid"


def test_a_collapse_onto_a_mean_between_a_half_and_sigmoid_1_is_no_double_sigmoid(exact, codes):
    x = (0.61 + 0.1 * (exact.x - exact.x.mean(0))).astype(np.float32)
    bias, silent = nn.Parameter(torch.full((8,), 0.61)), nn.Linear(3, 8, bias=False)
    nn.init.zeros_(silent.weight)
    for decode in (lambda z: silent(z) + bias, lambda z: np.full((len(z), 8), 0.61, np.float32)):
        encode = lambda x: (0 * x[:, :3], 0 * x[:, :3])  # noqa: E731
        assert codes(diagnose(adapt(encode=encode, decode=decode), x)) == ["collapsed"]


def test_grey_values_under_a_stated_bernoulli(exact, healthy, codes):
    found = diagnose(healthy(output="logits", likelihood=Bernoulli()), squashed(exact.x))
    assert "grey_values" in codes(found)
    binary = (exact.x > exact.x.mean(0)).astype(np.float32)
    found = diagnose(healthy(output="logits", likelihood=Bernoulli()), binary)
    assert "grey_values" not in codes(found)


WRONG = {
    "exp(logvar)": lambda mu, v: mu + torch.exp(v) * torch.randn_like(mu),
    "logvar": lambda mu, v: mu + v * torch.randn_like(mu),
    "1": lambda mu, v: mu + torch.randn_like(mu),
    "0": lambda mu, v: mu + 0 * v,
    "0.01 * exp(logvar / 2)": lambda mu, v: mu + 0.01 * torch.exp(v / 2) * torch.randn_like(mu),
    "another function of logvar": lambda mu, v: mu + (v**2 + 1) * torch.randn_like(mu),
}


@pytest.mark.parametrize("written", WRONG)
def test_samplers_of_another_scale(exact, healthy, codes, written):
    found = diagnose(healthy(sample=WRONG[written]), exact.x)
    assert codes(found)[0] == "sampling_scale"
    assert f"it is {written}" in found.findings[0].cause


def test_samplers_of_numpy(exact, codes):
    def make(power):
        return lambda mu, v: mu + np.exp(power * v) * np.random.randn(*mu.shape)

    def said(power):
        model = adapt(encode=exact.encode, decode=exact.decode, sample=make(power))
        return codes(diagnose(model, exact.x))

    assert said(0.5) == []
    assert said(1.0) == ["sampling_scale"]


@pytest.mark.parametrize(
    "sampler",
    [
        lambda mu, v: torch.normal(mu, torch.exp(v / 2)),  # its gradient is 0
        lambda mu, v: torch.distributions.Normal(mu, torch.exp(v / 2)).sample(),
    ],
)
def test_samplers_without_a_gradient(exact, healthy, codes, sampler):
    assert codes(diagnose(healthy(sample=sampler), exact.x))[0] == "sampling_detached"


def test_samplers_of_another_centre(exact, healthy, codes):
    found = diagnose(healthy(sample=lambda mu, v: sample(mu + 0.1, v)), exact.x)
    assert codes(found) == ["sampling_centre"]


def test_a_decoder_that_is_handed_x(exact, pair, codes):
    encoder, decoder = pair
    sees = adapt(encode=encoder, decode=lambda z, x: 0.5 * decoder(z) + 0.5 * x)
    assert codes(diagnose(sees, exact.x)) == ["decoder_sees_x"]
    # every feature from those before it, and from z
    shifted = lambda x: torch.cat([x[:, :1] * 0, x[:, :-1]], dim=1)  # noqa: E731
    uses = adapt(encode=encoder, decode=lambda z, x: decoder(z) + 0.01 * shifted(x))
    assert codes(diagnose(uses, exact.x)) == []
    deaf = adapt(encode=encoder, decode=lambda z, x: shifted(x))
    assert codes(diagnose(deaf, exact.x)) == ["ignores_latents"]


def test_a_decoder_that_remembers_what_was_encoded(exact, pair, codes):
    encoder, decoder = pair
    kept = {}

    def encode(x):
        kept["x"] = x
        return encoder(x)

    model = adapt(encode=encode, decode=lambda z: decoder(z) + kept["x"].mean(1, keepdim=True))
    assert codes(diagnose(model, exact.x))[0] == "decoder_sees_x"


def test_a_full_pass_that_knows_more_than_its_latents(exact, pair, codes):
    encoder, decoder = pair

    def collapsed(x):
        mu, logvar = encoder(x)
        return 0 * mu, 0 * logvar

    def said(forward):
        model = adapt(encode=collapsed, decode=lambda z: 0 * z @ decoder.weight.T, forward=forward)
        return codes(diagnose(model, exact.x - exact.x.mean(0)))

    assert said(lambda x: (0.9 * x, None, None)[:1])[0] == "decoder_sees_x"
    # predicts each feature from the others alone: what it puts out does not move with itself
    inverse = np.linalg.inv(np.cov(exact.x.T))
    weights = torch.from_numpy(np.eye(8) - inverse / np.diag(inverse)[:, None]).float()
    assert said(lambda x: x @ weights.T)[0] == "ignores_latents"


def test_a_decoder_that_does_not_listen(exact, pair, codes):
    encoder, decoder = pair
    model = adapt(encode=encoder, decode=lambda z: decoder(0 * z))
    found = diagnose(model, exact.x)
    assert codes(found)[0] == "ignores_latents"
    assert found.measures["effective_rank"].value == 0


@pytest.mark.parametrize(("scale", "code"), [(1.0, []), (1.4, []), (6.0, ["prior_hole"])])
def test_a_hole_in_the_prior(exact, pair, codes, scale, code):
    """The latents stretched, and decoded as before: everything but the prior is as it was."""
    encoder, decoder = pair

    def encode(x):
        mu, logvar = encoder(x)
        return scale * mu, logvar

    found = diagnose(adapt(encode=encode, decode=lambda z: decoder(z / scale)), exact.x)
    assert codes(found) == code
    assert found.ok


def collapse(encoder):
    def encode(x):
        mu, logvar = encoder(x)
        return 1e-3 * mu, 0 * logvar

    return encode


def test_a_warm_up_that_had_not_ended(exact, healthy, codes):
    found = diagnose(healthy(beta=Linear(steps=1000), steps=200), exact.x)
    assert codes(found) == ["warmup_unfinished"]
    assert_allclose(found.findings[0].evidence["largest beta reached"], 0.2)
    assert codes(diagnose(healthy(beta=Linear(steps=100), steps=200), exact.x)) == []
    cyclical = nelbo.objectives.Cyclical(steps=50)
    assert codes(diagnose(healthy(beta=cyclical, steps=210), exact.x)) == []
    # every twentieth of these steps is at the beginning of a cycle
    cyclical = nelbo.objectives.Cyclical(steps=100)
    assert codes(diagnose(healthy(beta=cyclical, steps=2010), exact.x)) == []


def test_a_beta_under_which_nothing_can_be_learnt(exact, pair, codes):
    encoder, decoder = pair
    stated = {"likelihood": Gaussian(variance=0.5), "beta": 100.0}
    model = adapt(encode=collapse(encoder), decode=decoder, **stated)
    found = diagnose(model, exact.x)
    assert codes(found) == ["beta_too_large", "collapsed"]
    assert found.forecast.margin < 1


@pytest.mark.parametrize(
    ("scale", "cause"),
    [
        (1.0, "averaged over the 8 features .* believes in noise of variance 4"),
        (0.1, "summed over the features believes in noise of variance 0.5"),
        (10.0, "a weight of the KL that is far too large"),
    ],
)
def test_a_collapse_with_no_loss_at_hand_has_a_likeliest_cause(exact, codes, scale, cause):
    """The data's largest eigenvalue is about 3.3, times the square of the scale; D / 2 is 4."""
    x = scale * 0.9 * (exact.x - exact.x.mean(0))
    silent = nn.Linear(3, 8, bias=False)
    nn.init.zeros_(silent.weight)
    found = diagnose(adapt(encode=lambda x: (0 * x[:, :3], 0 * x[:, :3]), decode=silent), x)
    assert codes(found) == ["collapsed"]
    assert re.search(cause, found.findings[0].cause)


def test_a_collapse_under_a_stated_likelihood(exact, pair):
    encoder, decoder = pair
    for variance, said in ((100.0, "not worth a latent"), (0.1, "would learn from this data")):
        model = adapt(
            encode=collapse(encoder), decode=decoder, likelihood=Gaussian(variance=variance)
        )
        found = diagnose(model, exact.x)
        assert found.findings[0].code == "collapsed"
        assert said in found.findings[0].cause


def loss(x, recon, mu, logvar):
    kl = -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum(1).mean()
    return nn.functional.mse_loss(recon, x) + kl


def test_the_audit_stands_before_what_it_explains(exact, pair, codes):
    encoder, decoder = pair
    model = adapt(encode=collapse(encoder), decode=decoder, loss=loss)
    found = diagnose(model, 0.9 * exact.x)
    assert codes(found)[:2] == ["pixels_averaged", "collapsed"]
    assert found.audit.sigma2 == pytest.approx(4.0, rel=1e-3)
    assert found.forecast is found.audit.forecast


def test_reconstructions_worse_than_the_mean(exact, healthy, codes):
    found = diagnose(healthy(), exact.x + 10 * np.arange(8, dtype=np.float32))
    assert "worse_than_constant" in codes(found)


def test_latents_that_are_not_used_are_no_disease(exact, pair, codes):
    encoder, decoder = pair
    wide = nn.Linear(5, 8)
    with torch.no_grad():
        wide.weight.zero_()
        wide.weight[:, :3], wide.bias[:] = decoder.weight, decoder.bias

    def encode(x):
        return tuple(nn.functional.pad(part, (0, 2)) for part in encoder(x))

    found = diagnose(adapt(encode=encode, decode=wide), exact.x)
    assert codes(found) == []
    assert [f.code for f in found.findings] == ["unused_latents"]


# --- refusals ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (np.full((5, 8), math.nan, np.float32), "expected finite values|expected .*finite"),
        (np.zeros((5, 7), np.float32), "encode: expected a function of an array of shape"),
        (np.zeros((1, 8), np.float32), "data: expected at least 2 examples, got 1"),
    ],
)
def test_data_that_will_not_do(healthy, one_line, data, said):
    with pytest.raises(BadValue, match=said) as error:
        diagnose(healthy(), data)
    one_line(error)


@pytest.mark.parametrize("shape", [(5, 7), (5, 2, 4)])
def test_data_of_another_shape_than_a_nelbo_model_has(one_line, shape):
    with pytest.raises(BadValue, match=r"data: expected examples of shape \[8\]") as error:
        diagnose(nelbo.VAE(8, 2), np.zeros(shape, np.float32))
    one_line(error)


def test_what_is_no_model(exact, unchecked):
    with pytest.raises(BadType, match=r"model: expected a nelbo.VAE, .* Wrap it: nelbo.adapt"):
        diagnose(nn.Linear(8, 8), exact.x)
    with pytest.raises(BadValue, match="examples: expected an integer of at least 2"):
        diagnose(nelbo.VAE(8, 2), exact.x, examples=1)
