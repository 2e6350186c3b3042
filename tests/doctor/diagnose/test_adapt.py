"""Anybody's functions: torch, NumPy, variables of other frameworks; and what is refused."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from torch import nn

import nelbo
from nelbo.data import Examples
from nelbo.doctor.diagnose import adapt
from nelbo.errors import BadType, BadValue
from nelbo.likelihoods import Bernoulli, ContinuousBernoulli, Gaussian


class Variable:
    """As Chainer's: an array inside, and no way to NumPy but `.array`."""

    def __init__(self, array):
        self.array = array


class Convertible:
    """As JAX's and Keras's: any function of NumPy takes it."""

    def __init__(self, array):
        self.inner = array

    def __array__(self, dtype=None, copy=None):
        return np.array(self.inner, dtype=dtype)


def every(model, x):
    estimators = [nelbo.evaluate.ELBO(), nelbo.evaluate.OutputDependence()]
    found = nelbo.evaluate(model, x, estimators)
    return {name: estimate.value for name, estimate in found.items()}


@pytest.mark.parametrize("wrap", [lambda a: a, Variable, Convertible])
def test_numpy_functions_give_what_torch_modules_give(exact, healthy, wrap):
    def encode(x):
        assert isinstance(x, np.ndarray)
        return tuple(map(wrap, exact.encode(x)))

    theirs = adapt(encode=encode, decode=lambda z: wrap(exact.decode(z)))
    ours = every(healthy(), exact.x)
    for name, value in every(theirs, exact.x).items():
        assert_allclose(value, ours[name], rtol=1e-4)


def test_the_evidence_bound_of_the_exact_posterior_is_the_evidence(exact, healthy):
    """With the true variance stated, log p(x) in closed form: there is no gap."""
    from scipy import stats

    covariance = exact.w @ exact.w.T + exact.variance * np.eye(exact.features)
    truth = stats.multivariate_normal(exact.b, covariance).logpdf(exact.x.astype(float))
    model = healthy(likelihood=Gaussian(variance=exact.variance))
    bound = nelbo.evaluate(model, exact.x, [nelbo.evaluate.ImportanceBound(samples=10)])
    assert_allclose(bound["importance_bound"].value, truth.mean(), rtol=1e-5)


def test_a_nelbo_model_through_the_adapter_measures_the_same(exact):
    model = nelbo.VAE(8, 3, likelihood=Gaussian(variance=0.3))

    def encode(x):
        q = model.encode(x)
        return q.mean, q.variance.log()

    theirs = adapt(encode=encode, decode=model.decoder, likelihood=Gaussian(variance=0.3))
    ours = every(model, exact.x)
    for name, value in every(theirs, exact.x).items():
        assert_allclose(value, ours[name], rtol=1e-5)


def test_without_a_likelihood_the_variance_is_that_of_the_residuals(exact, healthy):
    model = healthy().calibrated(Examples(exact.x))
    residual = exact.x - exact.decode(exact.encode(exact.x)[0])
    assert_allclose(model.likelihood.implied_variance, (residual**2).mean(), rtol=1e-5)
    stated = healthy(likelihood=Gaussian(variance=2.0)).calibrated(Examples(exact.x))
    assert stated.likelihood.implied_variance == 2.0


@pytest.mark.parametrize(
    ("output", "likelihood", "mean"),
    [
        ("mean", None, lambda a: a),
        ("prob", None, lambda a: a),
        ("logits", None, torch.sigmoid),
        ("logits", Bernoulli(), torch.sigmoid),
        ("prob", Bernoulli(), lambda a: a),
        ("prob", Gaussian(variance=1.0, link="logit"), lambda a: a),
        ("logits", Gaussian(variance=1.0), torch.sigmoid),
        ("prob", ContinuousBernoulli(), lambda a: ContinuousBernoulli()(torch.logit(a)).mean),
    ],
)
def test_what_an_output_means(output, likelihood, mean):
    a = torch.linspace(0.1, 0.9, 8).reshape(1, 8)
    model = adapt(
        encode=lambda x: (x[:, :2], x[:, :2]),
        decode=lambda z: a.expand(len(z), 8),
        output=output,
        likelihood=likelihood,
    )
    found = model.reconstruct(torch.zeros(1, 8))
    assert_allclose(found, mean(a[None])[0], rtol=1e-5)


def test_a_pair_of_mean_and_logvar_is_its_own_distribution():
    decode = lambda z: (z.repeat(1, 4), torch.full((len(z), 8), -2.0))  # noqa: E731
    model = adapt(encode=lambda x: (x[:, :2], 0 * x[:, :2]), decode=decode, output="mean+logvar")
    px = model.decode(torch.ones(1, 3, 2))
    assert_allclose(px.variance, np.exp(-2.0), rtol=1e-6)
    assert px.batch_shape == (1, 3)


def test_a_decoder_may_be_handed_the_data(exact):
    model = adapt(encode=exact.encode, decode=lambda z, x: exact.decode(z) + 0 * x)
    assert model.decodes_x
    plain = adapt(encode=exact.encode, decode=exact.decode)
    x = torch.from_numpy(exact.x)
    torch.testing.assert_close(model.reconstruct(x), plain.reconstruct(x))
    with pytest.raises(BadValue, match=r"expected decode\(z\) for samples"):
        model.decode(torch.zeros(1, 2, 3))


def test_images_may_come_back_flat():
    model = adapt(
        encode=lambda x: (x.flatten(1)[:, :2], x.flatten(1)[:, :2]),
        decode=lambda z: torch.ones(len(z), 16),
    )
    x = torch.zeros(5, 1, 4, 4)
    assert model.reconstruct(x).shape == x.shape
    assert model.terms(x, samples=3).log_px.shape == (3, 5)


def test_gradients_pass_through_torch_functions(pair, exact):
    encoder, decoder = pair
    model = adapt(encode=encoder, decode=decoder)
    model.terms(torch.from_numpy(exact.x[:10])).log_px.mean().backward()
    assert encoder.mu.weight.grad.abs().sum() > 0
    assert decoder.weight.grad.abs().sum() > 0


def test_modules_are_found_and_left_in_their_mode(pair):
    encoder, decoder = pair

    class Whole(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder, self.decoder, self.drop = encoder, decoder, nn.Dropout(0.5)

        def encode(self, x):
            return self.encoder(self.drop(x))

    whole = Whole().train()
    whole.decoder.eval()
    for encode in (whole.encode, lambda x: whole.encode(x)):
        model = adapt(encode=encode, decode=decoder)
        assert set(model.modules) == {whole, decoder}
        x = torch.ones(4, 8)
        torch.testing.assert_close(model.encode(x).mean, encoder(x)[0])  # no dropout
        assert (whole.training, whole.drop.training, decoder.training) == (True, True, False)


def test_models_in_double_precision_are_fed_with_it(pair, exact):
    encoder, decoder = (module.double() for module in pair)
    model = adapt(encode=encoder, decode=decoder)
    assert model.reconstruct(torch.from_numpy(exact.x[:3])).dtype == torch.float64


def test_numpy_and_torch_generators_are_left_alone(exact):
    def encode(x):
        np.random.random(3)
        return exact.encode(x)

    np.random.seed(5)
    expected = np.random.random()
    np.random.seed(5)
    adapt(encode=encode, decode=exact.decode).reconstruct(torch.from_numpy(exact.x))
    assert np.random.random() == expected


MU = torch.zeros(4, 2)


@pytest.mark.parametrize(
    ("encode", "decode", "said"),
    [
        (lambda x: MU, lambda z: z, r"what encode returned: expected two arrays, got one of"),
        (lambda x: (MU, MU, MU), lambda z: z, "what encode returned: expected two arrays, got 3"),
        (lambda x: (MU, MU[:, :1]), lambda z: z, r"mu and logvar of shape \[4, latent\]"),
        (lambda x: (MU[:1], MU[:1]), lambda z: z, r"shape \[4, latent\], got \[1, 2\]"),
        (lambda x: (MU, MU), lambda z: z, r"as many numbers an example as the data, \[3\]"),
        (lambda x: (MU, MU), lambda z: z[0], r"what decode returned: expected shape \[4, ...\]"),
        (lambda x: (MU, MU), lambda z: (z, z), "expected 1 array, for output='mean', got 2. Say"),
        (lambda x: (MU, MU), lambda z: "no", "what decode returned: expected arrays of numbers"),
        (lambda x: 1 / 0, lambda z: z, r"encode: expected a function of an array of shape \[4, 3"),
    ],
)
def test_functions_that_return_something_else(one_line, encode, decode, said):
    with pytest.raises((BadValue, BadType), match=said) as error:
        adapt(encode=encode, decode=decode).reconstruct(torch.zeros(4, 3))
    one_line(error)


@pytest.mark.parametrize(
    ("arguments", "kind", "said"),
    [
        ({"encode": 3}, BadType, "encode: expected a function, got 3. Pass a function: encode"),
        ({"decode": None}, BadType, "decode: expected a function"),
        ({"loss": 1.0}, BadType, "loss: expected a function, got 1.0"),
        ({"output": "logit"}, BadValue, "Did you mean 'logits'"),
        ({"likelihood": "bernoulli"}, BadType, "likelihood: expected a Likelihood"),
    ],
)
def test_refusals(unchecked, one_line, arguments, kind, said):
    with pytest.raises(kind, match=said) as error:
        adapt(**{"encode": lambda x: x, "decode": lambda z: z, **arguments})
    one_line(error)
