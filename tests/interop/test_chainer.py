"""Chainer's functions against what Chainer 5.0.0 itself returned, and against numpy."""

from pathlib import Path

import numpy as np
import pytest
import torch

import nelbo.interop.chainer as chainer
import nelbo.interop.chainer.functions as F
from nelbo.rng import seeded

REFERENCE = Path(__file__).parents[1] / "reference" / "chainer-5.0.0"
GIVEN = dict(np.load(REFERENCE / "functions.npz"))
HALF = np.float32(0.5)
# Chainer's sigmoid (chainer/functions/activation/sigmoid.py): another rounding would be seen in
# the squared error where x and y nearly meet.
Y = np.tanh(GIVEN["logits"] * HALF) * HALF + HALF

CASES = {
    "bernoulli_nll_gray": lambda *r: F.bernoulli_nll(GIVEN["x"], GIVEN["logits"], *r),
    "bernoulli_nll_binary": lambda *r: F.bernoulli_nll(GIVEN["x_binary"], GIVEN["logits"], *r),
    "gaussian_nll": lambda *r: F.gaussian_nll(GIVEN["x"], GIVEN["mean"], GIVEN["ln_var"], *r),
    "gaussian_kl_divergence": lambda *r: F.gaussian_kl_divergence(
        GIVEN["mu"], GIVEN["kl_ln_var"], *r
    ),
}
WHOLE = {
    "mean_squared_error": lambda x: F.mean_squared_error(x, Y),
    "mean_absolute_error": lambda x: F.mean_absolute_error(x, Y),
    "squared_error": lambda x: F.squared_error(x, Y),
    "sum_then_mean_squared_error": lambda x: F.mean(F.sum((x - chainer.Variable(Y)) ** 2, axis=1)),
}


def _equal(actual, expected):
    assert actual.shape == expected.shape
    assert actual.numpy().dtype == expected.dtype
    np.testing.assert_allclose(actual.numpy(), expected, rtol=1e-6, atol=0)


@pytest.mark.parametrize("reduce", ["sum", "no"])
@pytest.mark.parametrize("name", CASES)
def test_losses_of_a_vae_are_chainers(name, reduce):
    _equal(CASES[name](reduce), GIVEN[f"{name}_{reduce}"])


@pytest.mark.parametrize("name", CASES)
def test_the_default_is_the_sum_over_batch_and_features(name):
    _equal(CASES[name](), GIVEN[f"{name}_sum"])


@pytest.mark.parametrize("name", WHOLE)
def test_differences_are_chainers(name):
    _equal(WHOLE[name](chainer.Variable(GIVEN["x"])), GIVEN[name])


def test_gaussian_is_mean_plus_deviation_times_eps():
    mean, ln_var, eps = GIVEN["mean"], GIVEN["ln_var"], GIVEN["x"]
    z, used = F.gaussian(mean, ln_var, eps=eps, return_eps=True)
    np.testing.assert_allclose(z.numpy(), mean + np.exp(ln_var / 2) * eps, rtol=1e-6)
    np.testing.assert_array_equal(used.numpy(), eps)


def test_gaussian_draws_standard_normal_noise_of_the_callers_generator():
    n = 200_000
    mean, ln_var = torch.full((n,), 3.0), torch.full((n,), np.log(4.0))
    with seeded(0):
        z = F.gaussian(mean, ln_var).double()
    with seeded(0):
        noise = torch.randn(n)
    assert abs(z.mean() - 3) < 4 * 2 / n**0.5  # four standard errors
    assert abs(z.var() - 4) < 4 * 4 * (2 / n) ** 0.5
    torch.testing.assert_close(z.float(), 3 + 2 * noise)


@pytest.mark.parametrize("axis", [None, 0, 1, -1, (0, 1), ()])
@pytest.mark.parametrize("keepdims", [False, True])
def test_sum_and_mean_reduce_as_numpys(axis, keepdims):
    x = GIVEN["x"].astype("float64")
    for ours, theirs in ((F.sum, np.sum), (F.mean, np.mean)):
        expected = theirs(x, axis=axis, keepdims=keepdims)
        np.testing.assert_allclose(ours(x, axis=axis, keepdims=keepdims).numpy(), expected)


@pytest.mark.parametrize(("name", "reference"), [
    ("tanh", np.tanh), ("exp", np.exp), ("relu", lambda a: np.maximum(a, 0)),
    ("sigmoid", lambda a: 1 / (1 + np.exp(-a))), ("softplus", lambda a: np.log1p(np.exp(a))),
])  # fmt: skip
def test_activations_are_what_their_names_say(name, reference):
    a = GIVEN["logits"].astype("float64")
    np.testing.assert_allclose(getattr(F, name)(a).numpy(), reference(a), rtol=1e-6)


@pytest.mark.parametrize(("function", "count"), [
    (F.bernoulli_nll, 2), (F.gaussian_nll, 3), (F.gaussian_kl_divergence, 2),
    (F.mean_squared_error, 2), (F.mean_absolute_error, 2), (F.squared_error, 2),
    (lambda m, v: F.gaussian(m, v, eps=torch.ones_like(m)), 2),
])  # fmt: skip
def test_gradients_are_those_of_finite_differences(function, count):
    generator = torch.Generator().manual_seed(0)
    arguments = [torch.randn(2, 3, dtype=torch.float64, generator=generator, requires_grad=True)
                 for _ in range(count)]  # fmt: skip
    assert torch.autograd.gradcheck(function, arguments)


ALL = [F.bernoulli_nll, F.gaussian_kl_divergence, F.gaussian, F.mean_squared_error,
       F.mean_absolute_error, F.squared_error, lambda a, b: F.gaussian_nll(a, a, b)]  # fmt: skip


@pytest.mark.parametrize("function", ALL)
def test_nothing_is_broadcast_or_cast(function):
    with pytest.raises(ValueError, match=r"expected the shape of .*\[2, 3\], got \[1, 3\]"):
        function(torch.zeros(2, 3), torch.zeros(1, 3))
    with pytest.raises(TypeError, match=r"expected the dtype of .*float32, got torch.float64"):
        function(torch.zeros(2, 3), torch.zeros(2, 3, dtype=torch.float64))
    with pytest.raises(TypeError, match=r"array of floats, got int64.*divide pixels"):
        function(torch.zeros(2, 3), np.zeros((2, 3), dtype="int64"))


@pytest.mark.parametrize("name", CASES)
def test_chainer_5_knows_no_mean_here(name):
    with pytest.raises(ValueError, match="reduce: expected 'sum' or 'no', got 'mean'"):
        CASES[name]("mean")


def test_bad_eps_and_axes_are_refused():
    with pytest.raises(ValueError, match="eps: expected the shape of ln_var"):
        F.gaussian(torch.zeros(2, 3), torch.zeros(2, 3), eps=torch.zeros(3))
    for axis in (2, -3, (0, 0), (1, -1)):
        with pytest.raises(ValueError, match="axis: expected different axes of an array with 2"):
            F.sum(torch.zeros(2, 3), axis=axis)


@pytest.mark.parametrize("layout", ["read-only", "reversed", "big-endian", "float64"])
def test_any_layout_of_a_numpy_array_is_taken(layout):
    x = GIVEN["x"]
    odd = {"reversed": x[::-1, ::-1].copy()[::-1, ::-1], "big-endian": x.astype(">f4"),
           "float64": x.astype("float64"), "read-only": x.copy()}[layout]  # fmt: skip
    odd.setflags(write=False)
    loss = F.mean_squared_error(odd, torch.from_numpy(Y))
    assert loss.dtype == torch.float32
    np.testing.assert_allclose(loss.item(), GIVEN["mean_squared_error"], rtol=1e-6)


def test_a_variable_keeps_its_dtype_and_does_not_share_memory():
    x = np.zeros(2)
    variable = chainer.Variable(x)
    x[0] = 1
    assert variable.dtype == torch.float64
    assert variable[0] == 0
    assert chainer.Variable(variable) is variable
    assert chainer.report({"loss": variable}, observer=None) is None
