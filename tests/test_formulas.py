"""Every formula against mpmath in 50 digits, written from the papers; values and gradients."""

import inspect
import math

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from mpmath import mpf
from numpy.testing import assert_allclose

from nelbo import formulas


# Loaiza-Ganem & Cunningham 2019, equation 6: C(l) = 2 atanh(1 - 2l) / (1 - 2l);
# their log-density is log C + x log l + (1 - x) log(1 - l), l = 1 / (1 + e^-a)
def cb_log_prob(x, a):
    lam = 1 / (1 + mpmath.exp(-a))
    c = mpf(2) if a == 0 else 2 * mpmath.atanh(1 - 2 * lam) / (1 - 2 * lam)
    return mpmath.log(c) + x * mpmath.log(lam) + (1 - x) * mpmath.log(1 - lam)


def cb_log_norm(a):  # the integral itself
    return mpmath.log((mpmath.exp(a) - 1) / a) if a else mpf(0)


def cb_mean(a):  # equation 8
    lam = 1 / (1 + mpmath.exp(-a))
    return lam / (2 * lam - 1) + 1 / (2 * mpmath.atanh(1 - 2 * lam)) if a else mpf(1) / 2


def cb_variance(a):  # equation 9
    lam = 1 / (1 + mpmath.exp(-a))
    if not a:
        return mpf(1) / 12
    return lam * (lam - 1) / (1 - 2 * lam) ** 2 + 1 / (2 * mpmath.atanh(1 - 2 * lam)) ** 2


def gaussian_log_prob(x, mean, logvar):
    return mpmath.log(mpmath.npdf(x, mean, mpmath.exp(logvar / 2)))


def gaussian_kl(mu, logvar):  # as an integral, in units of sigma about mu
    sigma = mpmath.exp(logvar / 2)

    def integrand(t):
        log_q, log_p = -(t**2) / 2 - mpmath.log(sigma), -((mu + sigma * t) ** 2) / 2
        return mpmath.npdf(t) * (log_q - log_p)

    with mpmath.workdps(25):
        return mpmath.quad(integrand, [-12, -4, 0, 4, 12])


def log_gamma_remainder(x):
    return mpmath.loggamma(x) - ((x - 0.5) * mpmath.log(x) - x + mpmath.log(2 * mpmath.pi) / 2)


def log_rising(t, x):
    return mpmath.loggamma(t + x) - mpmath.loggamma(t)


LOGITS = [0.0, 1e-8, -1e-3, 0.3, -0.999, 0.9999, 1.0001, -1.5, 4.0, -20.0, 20.0, -200.0, 200.0]
PIXELS = [0.0, 1e-3, 0.3, 0.5, 1.0]
GRID = [(x, a) for x in PIXELS for a in LOGITS]
ENDS = [1e-20, 1e-3, 0.5, 1.0, 3.0, 7.999, 8.0, 20.0, 1e3, 1e8]
RISES = [(t, x) for t in (*ENDS, 1e17) for x in (0.0, 0.5, 1.0, 6.0, 8.0, 100.0, 1e5)]
GAUSSIANS = [(m, v) for m in (0.0, 1e-3, -2.0, 5.0) for v in (0.0, 1e-3, -6.0, 2.0)]

REFERENCES = {  # formula: (mpmath, arguments)
    "gaussian_log_prob": (gaussian_log_prob, [(x, m, v) for x in (0.0, 1.5) for m, v in GAUSSIANS]),
    "gaussian_kl": (gaussian_kl, GAUSSIANS),
    "continuous_bernoulli_log_norm": (cb_log_norm, [(a,) for a in LOGITS]),
    "continuous_bernoulli_log_prob": (cb_log_prob, GRID),
    "continuous_bernoulli_mean": (cb_mean, [(a,) for a in LOGITS]),
    "continuous_bernoulli_variance": (cb_variance, [(a,) for a in LOGITS]),
    "log_gamma_remainder": (log_gamma_remainder, [(x,) for x in ENDS]),
    "log_rising": (log_rising, RISES),
}
OF_THEIR_OWN = {"continuous_bernoulli_logits", "gradient_only", "log_mean_exp"}


def precisely(function, *arguments):
    # e^-200 beside 1 needs 87 digits, and as much again where it is subtracted
    with mpmath.workdps(250):
        value = float(function(*(mpf(a) for a in arguments)))
    assert math.isfinite(value)  # or no comparison with it could fail
    return value


def slope(function, *arguments):
    """The derivative in the last argument, by mpmath's own differences."""
    with mpmath.workdps(300):
        *head, last = (mpf(a) for a in arguments)
        return float(mpmath.diff(lambda a: function(*head, a), last, h=mpf(10) ** -80))


def test_every_formula_has_a_reference():
    public = {
        name
        for name, value in vars(formulas).items()
        if inspect.isfunction(value)
        and value.__module__ == formulas.__name__
        and not name.startswith("_")
    }
    assert public == set(REFERENCES) | OF_THEIR_OWN


@pytest.mark.parametrize("name", REFERENCES)
def test_value_in_float64(name):
    reference, arguments = REFERENCES[name]
    columns = [torch.tensor(column, dtype=torch.float64) for column in zip(*arguments, strict=True)]
    expected = [precisely(reference, *row) for row in arguments]
    assert_allclose(getattr(formulas, name)(*columns), expected, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("name", REFERENCES)
def test_gradient_in_float64(name):
    reference, arguments = REFERENCES[name]
    if name == "gaussian_kl":  # mu^2 / 2 + sigma^2 / 2 - log sigma: d/dv = (e^v - 1) / 2
        expected = [math.expm1(v) / 2 for _, v in arguments]
    else:
        arguments = [row for row in arguments if row[-1] != 0.0 or "continuous" not in name]
        expected = [slope(reference, *row) for row in arguments]
    columns = [torch.tensor(column, dtype=torch.float64) for column in zip(*arguments, strict=True)]
    columns[-1].requires_grad_()
    (got,) = torch.autograd.grad(getattr(formulas, name)(*columns).sum(), columns[-1])
    assert_allclose(got, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("continuous_bernoulli_log_norm", 0.5),  # the mean
        ("continuous_bernoulli_mean", 1 / 12),  # the variance
        ("continuous_bernoulli_variance", 0.0),  # the third cumulant, by symmetry
    ],
)
def test_gradient_at_logit_0_is_the_next_cumulant(name, expected):
    a = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    (got,) = torch.autograd.grad(getattr(formulas, name)(a).sum(), a)
    assert float(got) == pytest.approx(expected, abs=1e-15)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", [n for n in REFERENCES if "bernoulli" in n])
def test_finite_with_finite_gradients_however_large_the_logit(name, dtype):
    a = torch.tensor([0.0, 1e4, -1e4, 1e-30, 1.0, -1.0], dtype=dtype, requires_grad=True)
    x = (torch.tensor(0.3, dtype=dtype).expand(6),) if name.endswith("log_prob") else ()
    value = getattr(formulas, name)(*x, a)
    (gradient,) = torch.autograd.grad(value.sum(), a)
    assert bool(value.isfinite().all())
    assert bool(gradient.isfinite().all())


def float32_error(name, *arguments):
    columns = [torch.tensor([float(a)], dtype=torch.float32) for a in arguments]
    exact = precisely(REFERENCES[name][0], *(float(c) for c in columns))
    return abs(float(getattr(formulas, name)(*columns)) - exact), exact


@pytest.mark.parametrize("a", [0.0, 1e-4, -1e-4, 0.02, -0.5, 0.98, -1.02, 20, -20, 200, -200])
@pytest.mark.parametrize("x", [0.0, 0.25, 1.0])
def test_continuous_bernoulli_in_float32_is_right_to_a_few_roundings(x, a):
    """The terms a x and log((e^a - 1) / a) are of size |a|: four roundings of that are allowed."""
    error, _ = float32_error("continuous_bernoulli_log_prob", x, a)
    assert error <= 4 * np.finfo(np.float32).eps * max(1.0, abs(a))


@pytest.mark.parametrize("a", [-20.0, -200.0, -1e4])
def test_black_pixels_in_float32_keep_their_relative_accuracy(a):
    """Pixels of 0 under a very negative logit are most of MNIST: nothing may cancel there."""
    error, exact = float32_error("continuous_bernoulli_log_norm", a)  # x = 0: log p = -log norm
    assert error <= 2 * np.finfo(np.float32).eps * abs(exact)


@given(st.floats(1e-5, 1 - 1e-5))
def test_logits_are_the_inverse_of_the_mean(mean):
    target = torch.tensor([mean], dtype=torch.float64)
    back = formulas.continuous_bernoulli_mean(formulas.continuous_bernoulli_logits(target))
    assert_allclose(back, target, rtol=1e-9)


@pytest.mark.parametrize(("mean", "logit"), [(0.0, -1e6), (1.0, 1e6)])
def test_logits_of_a_mean_at_the_edge_are_those_of_a_millionth_inside(mean, logit):
    """There the mean is 1 / |a| from the edge, up to e^-|a|."""
    got = formulas.continuous_bernoulli_logits(torch.tensor([mean], dtype=torch.float64))
    assert_allclose(got, logit, rtol=1e-6)


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=8))
def test_log_mean_exp(log_w):
    with mpmath.workdps(1000):
        expected = float(mpmath.log(mpmath.fsum(mpmath.exp(mpf(v)) for v in log_w) / len(log_w)))
    got = formulas.log_mean_exp(torch.tensor(log_w, dtype=torch.float64))
    assert float(got) == pytest.approx(expected, rel=1e-12, abs=1e-12)


def test_averages_go_over_the_first_axis_only():
    log_w = torch.arange(6, dtype=torch.float64).reshape(3, 2)
    columns = torch.stack([formulas.log_mean_exp(log_w[:, 0]), formulas.log_mean_exp(log_w[:, 1])])
    assert_allclose(formulas.log_mean_exp(log_w), columns, rtol=1e-12)


def test_densities_broadcast_over_samples():
    x = torch.tensor([0.2, 0.7], dtype=torch.float64)
    logits = torch.linspace(-1, 1, 6, dtype=torch.float64).reshape(3, 2)
    together = formulas.continuous_bernoulli_log_prob(x, logits)
    expanded = formulas.continuous_bernoulli_log_prob(x.expand(3, 2), logits)
    assert_allclose(together, expanded, rtol=1e-15)


def test_the_log_normaliser_can_be_differentiated_twice():
    """Its curvature is the variance: what a forecast of any user's loss is made of."""
    logits = torch.linspace(-30, 30, 13, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(
        formulas.continuous_bernoulli_log_norm(logits).sum(), logits, create_graph=True
    )
    (curvature,) = torch.autograd.grad(slope.sum(), logits)
    expected = formulas.continuous_bernoulli_variance(logits.detach())
    torch.testing.assert_close(curvature, expected, rtol=1e-9, atol=0)


def test_gradient_only_is_zero_with_the_gradient():
    x = torch.tensor([1.0, -2.0], dtype=torch.float64, requires_grad=True)
    value = formulas.gradient_only(x**3)
    assert value.tolist() == [0.0, 0.0]
    assert torch.autograd.grad(value.sum(), x)[0].tolist() == [3.0, 12.0]


@pytest.mark.parametrize(("dtype", "rtol"), [(torch.float64, 1e-12), (torch.float32, 1e-5)])
def test_a_rising_factorial_keeps_its_digits_however_large_its_start(dtype, rtol):
    """In float32 log-gammas of 1e8 are multiples of 128: their difference has no digit left."""
    t, x = torch.tensor(RISES, dtype=dtype).T
    t.requires_grad_()
    got = formulas.log_rising(t, x)
    (in_t,) = torch.autograd.grad(got.sum(), t)
    rows = list(zip(t.tolist(), x.tolist(), strict=True))
    value = [precisely(log_rising, *row) for row in rows]
    slope_in_t = [
        precisely(lambda a, b: mpmath.digamma(a + b) - mpmath.digamma(a), *row) for row in rows
    ]
    assert_allclose(got.detach(), value, rtol=rtol, atol=rtol / 10)
    assert_allclose(in_t, slope_in_t, rtol=rtol)


def test_a_rising_factorial_can_be_differentiated_twice():
    t, x = torch.tensor(RISES[14:], dtype=torch.float64).T
    t.requires_grad_()
    (first,) = torch.autograd.grad(formulas.log_rising(t, x).sum(), t, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), t)
    far = t.detach()
    expected = torch.special.polygamma(1, far + x) - torch.special.polygamma(1, far)
    assert_allclose(second, expected, rtol=1e-6, atol=1e-15)
