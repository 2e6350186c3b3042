"""The audit of whole training steps: every way of drawing z, and what is wrong to pass."""

import functools
import math

import numpy as np
import pytest
import torch
import torch.distributions as td
import torch.nn.functional as F
from torch import nn

import nelbo
from nelbo.errors import BadType, BadValue
from tests.doctor.audit.cases.formulas import kl1

FEATURES, LATENT = 30, 4
RIGHT = 1e-3  # relative error of a weight in single precision


def net(*layers, seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Sequential(*(layer() for layer in layers))


def linear(inputs, outputs):
    return functools.partial(nn.Linear, inputs, outputs)


ENCODER = net(linear(FEATURES, 16), nn.Tanh, linear(16, 2 * LATENT))
DECODER = net(linear(LATENT, 16), nn.Tanh, linear(16, FEATURES), seed=1)
PAIR = net(linear(LATENT, 16), nn.Tanh, linear(16, 2 * FEATURES), seed=2)
DROPPING = net(
    linear(FEATURES, 16), nn.Tanh, functools.partial(nn.Dropout, 0.2), linear(16, 2 * LATENT)
)


def encode(x):
    return ENCODER(x).chunk(2, dim=1)


def encode_dropping(x):
    return DROPPING(x).chunk(2, dim=1)


def decode_prob(z):
    return torch.sigmoid(DECODER(z))


def decode_pair(z):
    return PAIR(z).chunk(2, dim=1)


def noisy(m, v):
    return m + torch.randn_like(m) * (0.5 * v).exp()


def sse(x, r, m, v, z):
    return ((x - r) ** 2).sum(-1).mean() + kl1(m, v).sum(1).mean()


def stepping(sample, loss, encode=encode, decode=DECODER):
    def step(x):
        m, v = encode(x)
        z = sample(m, v)
        return loss(x, decode(z), m, v, z)

    return step


def data(examples=24):
    random = torch.Generator().manual_seed(3)
    level = torch.rand(examples, 1, generator=random)
    return 0.7 * level + 0.3 * torch.rand(examples, FEATURES, generator=random)


def audited(step, x=None, **other):
    arguments = {"encode": encode, "decode": DECODER, "output": "mean"} | other
    return nelbo.audit_step(step, data() if x is None else x, **arguments)


def log_ratio(x, r, m, v, z):
    ratio = td.Normal(m, (0.5 * v).exp()).log_prob(z) - td.Normal(0.0, 1.0).log_prob(z)
    return ((x - r) ** 2).sum(-1).mean() + ratio.sum(1).mean()


SAMPLERS = {
    "by hand": noisy,
    "torch.distributions": lambda m, v: td.Normal(m, (0.5 * v).exp()).rsample(),
    "NumPy": lambda m, v: m + torch.from_numpy(np.random.randn(*m.shape)).to(m) * (v / 2).exp(),
    "five samples": lambda m, v: td.Normal(m, (0.5 * v).exp()).rsample((5,)),
}


@pytest.mark.parametrize("sample", SAMPLERS.values(), ids=SAMPLERS)
def test_the_weights_of_a_step_whatever_draws_its_noise(sample):
    report = audited(stepping(sample, sse))
    assert (report.reconstruction.family, report.kl.form) == ("squared_error", "closed")
    assert report.sigma2 == pytest.approx(0.5, rel=RIGHT)
    assert (report.reconstruction.batch, report.kl.batch) == ("mean", "mean")
    assert report.ok


def test_the_dropout_of_a_step_is_drawn_again():
    report = audited(stepping(noisy, sse, encode_dropping), encode=encode_dropping)
    assert report.sigma2 == pytest.approx(0.5, rel=RIGHT)


def test_a_kl_estimated_at_the_same_draw_of_z():
    report = audited(stepping(noisy, log_ratio))
    assert report.kl.form == "mc"
    assert report.beta == pytest.approx(0.5, rel=RIGHT)


def bernoulli(x, r, m, v, z):
    return F.binary_cross_entropy_with_logits(r, x, reduction="sum") + 4 * kl1(m, v).sum()


@pytest.mark.parametrize(
    ("decode", "output", "family"),
    [(DECODER, "logits", "bce_logits"), (decode_prob, "prob", "bce_prob")],
)
def test_a_bernoulli_step_by_logits_or_probabilities(decode, output, family):
    x = data().round()
    report = audited(stepping(noisy, bernoulli), x, decode=decode, output=output)
    assert report.reconstruction.family == family
    assert report.beta == pytest.approx(4.0, rel=RIGHT)
    assert (report.reconstruction.batch, report.kl.batch) == ("sum", "sum")


def test_a_step_of_a_decoder_with_two_heads():
    def gaussian(x, r, m, v, z):
        mean, logvar = r
        nll = 0.5 * ((x - mean) ** 2 * (-logvar).exp() + logvar).sum(1).mean()
        return nll + kl1(m, v).sum(1).mean()

    step = stepping(noisy, gaussian, decode=decode_pair)
    report = audited(step, decode=decode_pair, output="mean+logvar")
    assert report.reconstruction.family == "gaussian_nll"
    assert report.beta == pytest.approx(1.0, rel=RIGHT)


def test_a_step_of_colour_images():
    x = torch.rand(8, 3, 8, 8, generator=torch.Generator().manual_seed(3))
    down = net(functools.partial(nn.Conv2d, 3, 4, 3, 2, 1), nn.ReLU, nn.Flatten, linear(64, 8))
    up = net(
        linear(4, 64), nn.ReLU, functools.partial(nn.Unflatten, 1, (4, 4, 4)),
        functools.partial(nn.ConvTranspose2d, 4, 3, 4, 2, 1), nn.Sigmoid,
    )  # fmt: skip

    def encode(x):
        return down(x).chunk(2, dim=1)

    def loss(x, r, m, v, z):
        return F.mse_loss(r, x) + kl1(m, v).sum(1).mean()

    step = stepping(noisy, loss, encode, up)
    report = audited(step, x, encode=encode, decode=up, output="prob")
    assert report.sigma2 == pytest.approx(96.0, rel=RIGHT)
    assert "pixels_averaged" in [finding.code for finding in report.findings]


def test_a_step_that_rescales_bytes_is_judged_on_what_it_sees():
    x = (255 * data()).round()
    report = audited(stepping(noisy, lambda x, *rest: sse(x / 255, *rest)), x)
    assert report.sigma2 == pytest.approx(0.5, rel=RIGHT)
    assert "data_rescaled" in [finding.code for finding in report.findings]


def test_a_step_in_numpy_whose_generator_is_its_own():
    random, weights = np.random.default_rng(0), np.random.RandomState(3).randn(FEATURES, 8) / 3

    def encode(x):
        hidden = x @ weights
        return hidden[:, :4], hidden[:, 4:]

    def decode(z):
        return np.tanh(z @ weights[:, :4].T)

    def step(x):
        m, v = encode(x)
        z = m + np.exp(v / 2) * random.normal(size=m.shape)
        kl = 0.5 * (m**2 + np.exp(v) - v - 1)
        return float((((x - decode(z)) ** 2).sum() + kl.sum()) / len(x))

    report = audited(step, data().double().numpy(), encode=encode, decode=decode)
    said = next(f for f in report.findings if f.code == "uncertainty").evidence
    error = said["relative error of the KL's weight"]
    assert isinstance(error, float)
    assert 0.001 < error < 0.2
    assert report.beta == pytest.approx(0.5, rel=4 * error)


WRONG = {
    "deviation": (lambda m, v: m + torch.randn_like(m) * v.exp(), "sampling_scale"),
    "unit noise": (lambda m, v: m + torch.randn_like(m), "sampling_scale"),
    "no noise": (lambda m, v: m, "not_sampled"),
}


@pytest.mark.parametrize(("sample", "code"), WRONG.values(), ids=WRONG)
def test_a_wrong_sampler_is_named_and_the_weights_found_all_the_same(sample, code):
    report = audited(stepping(sample, sse))
    assert report.findings[0].code == code
    assert not report.ok
    assert report.sigma2 == pytest.approx(0.5, rel=RIGHT)


def test_a_wrong_kl_in_a_step():
    def loss(x, r, m, v, z):
        return ((x - r) ** 2).sum(1).mean() + 0.5 * (m**2 + (2 * v).exp() - v - 1).sum(1).mean()

    report = audited(stepping(noisy, loss))
    assert report.kl.form == "wrong"
    assert report.beta is None
    assert not report.ok


def test_no_kl_in_a_step():
    report = audited(stepping(noisy, lambda x, r, m, v, z: F.mse_loss(r, x)))
    assert report.kl.form == "absent"
    assert report.findings[0].code == "kl_absent"


def test_the_callers_generators_stay():
    before, state = torch.random.get_rng_state().clone(), np.random.get_state()[1].copy()
    audited(stepping(SAMPLERS["NumPy"], sse))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert (np.random.get_state()[1] == state).all()


def raising(*arguments):
    raise RuntimeError("mat1 and mat2 shapes cannot be multiplied\n(and so on)")


STEP = stepping(noisy, sse)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"step": 3}, BadType, "step: expected a function"),
        ({"encode": None}, BadType, "encode: expected a function"),
        ({"step": raising}, BadValue, "mat1 and mat2"),
        ({"step": lambda x: x.sum(1)}, BadValue, r"shape \[24\]"),
        ({"step": lambda x: math.nan}, BadValue, "finite losses"),
        ({"encode": lambda x: encode(x)[0]}, BadValue, r"encode: expected \(mu, logvar\)"),
        ({"encode": lambda x: (encode(x)[0], x)}, BadValue, r"shapes \[24, 4\] and \[24, 30\]"),
        ({"encode": raising}, BadValue, "encode: .*mat1 and mat2"),
        ({"decode": lambda z: z}, BadValue, r"decode: expected \[24, 30\]"),
        ({"decode": raising}, BadValue, "decode: .*mat1 and mat2"),
        ({"output": "logit"}, BadValue, "Did you mean 'logits'"),
        ({"x": torch.zeros(0, 3)}, BadValue, "shape"),
    ],
)
def test_bad_input_is_refused_in_one_line(arguments, error, words):
    given = {"step": STEP, "x": data(), "encode": encode, "decode": DECODER} | arguments
    with pytest.raises(error, match=words) as raised:
        nelbo.audit_step(**given)
    assert "\n" not in str(raised.value)
