"""Log-densities, divergences and averages as pure functions, in nats, with their sources.

Elementwise functions keep the shape of their arguments and sum nothing: summing over an example's
features is what the distribution of a whole example does (`torch.distributions.Independent`).
"""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

LOG_2PI = math.log(2.0 * math.pi)


# log N(x; m, e^v) = -1/2 [ log 2 pi + v + (x - m)^2 e^-v ]
def gaussian_log_prob(
    x: Float[Tensor, "*#shape"], mean: Float[Tensor, "*#shape"], logvar: Float[Tensor, "*#shape"]
) -> Float[Tensor, "*shape"]:
    """Log-density of a Gaussian, per element, in nats.

    Example:
        >>> gaussian_log_prob(torch.zeros(1), torch.zeros(1), torch.zeros(1))
        tensor([-0.9189])

    """
    return -0.5 * (LOG_2PI + logvar + (x - mean) ** 2 * torch.exp(-logvar))


# KL(N(mu, e^v) || N(0, 1)) = 1/2 (mu^2 + e^v - v - 1)         Kingma & Welling 2014, appendix B
def gaussian_kl(
    mu: Float[Tensor, "*shape"], logvar: Float[Tensor, "*shape"]
) -> Float[Tensor, "*shape"]:
    """Kullback-Leibler divergence of a Gaussian from the standard one, per latent, in nats.

    Example:
        >>> gaussian_kl(torch.tensor([0.0, 2.0]), torch.zeros(2))
        tensor([0., 2.])

    """
    return 0.5 * (mu**2 + torch.expm1(logvar) - logvar)


# log int_0^1 e^(a x) dx = log((e^a - 1) / a) = a/2 + log(sinh(a/2) / (a/2))
def continuous_bernoulli_log_norm(logits: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Log-normaliser of the continuous Bernoulli in its natural parameter, per element.

    With lambda = s(a) it equals log(1 + e^a) - log C(lambda), C of Loaiza-Ganem & Cunningham 2019,
    equation 6, since C(s(a)) = a / tanh(a/2). In a there is no cancellation near lambda = 1/2
    but that of log(sinh(y)/y), for which the series is used where |y| < 1/2.
    """
    return _LogNorm.apply(logits)


class _LogNorm(torch.autograd.Function):
    """The log-normaliser, whose derivative is the mean: one formula in place of forty steps."""

    generate_vmap_rule = True

    @staticmethod
    def forward(logits: Tensor) -> Tensor:
        small = logits.abs() < 1.0
        far = torch.where(small, torch.ones_like(logits), logits)
        size = far.abs()
        # exp(-50) is 0 beside 1 already, and beyond -87 it is a denormal number, which is slow
        # max(a, 0) in place of a/2 + |a|/2, whose parts cancel where a is far below 0
        exact = F.relu(far) - torch.log(size) + torch.log1p(-torch.exp(-size.clamp_max(50.0)))
        near = torch.where(small, 0.5 * logits, torch.zeros_like(logits))
        return torch.where(small, near + near**2 * _polynomial(_LOG_SINHC, near**2), exact)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> Tensor:
        (logits,) = ctx.saved_tensors
        return grad_outputs[0] * continuous_bernoulli_mean(logits)


# log(sinh(y)/y) = sum_k 2^(2k-1) B_2k / (k (2k)!) y^2k
_LOG_SINHC = (
    1 / 6,
    -1 / 180,
    1 / 2835,
    -1 / 37800,
    1 / 467775,
    -691 / 3831077250,
    2 / 127702575,
    -3617 / 2605132530000,
)


def _polynomial(coefficients: tuple[float, ...], x: Tensor) -> Tensor:
    total = torch.full_like(x, coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        total = total * x + coefficient
    return total


# log CB(x; a) = a x - log((e^a - 1) / a)                Loaiza-Ganem & Cunningham 2019, equation 5
def continuous_bernoulli_log_prob(
    x: Float[Tensor, "*#shape"], logits: Float[Tensor, "*#shape"]
) -> Float[Tensor, "*shape"]:
    """Log-density of the continuous Bernoulli on [0, 1], per element, in nats.

    Example:
        >>> continuous_bernoulli_log_prob(torch.tensor([0.3]), torch.zeros(1))
        tensor([0.])

    """
    return x * logits - continuous_bernoulli_log_norm(logits)


# E[x] = 1 / (1 - e^-a) - 1/a = 1/2 + 1/2 [coth(a/2) - 2/a]
def continuous_bernoulli_mean(logits: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Mean of the continuous Bernoulli, per element (not its parameter lambda).

    The derivative of `continuous_bernoulli_log_norm`.

    Example:
        >>> continuous_bernoulli_mean(torch.zeros(1))
        tensor([0.5000])

    """
    y = 0.5 * logits
    small = y.abs() < 0.5
    far = torch.where(small, torch.ones_like(y), y)
    near = torch.where(small, y, torch.zeros_like(y))
    series = torch.zeros_like(y)
    for k in range(len(_LOG_SINHC), 0, -1):
        series = series * near**2 + 2 * k * _LOG_SINHC[k - 1]
    return 0.5 + 0.5 * torch.where(small, series * near, 1.0 / torch.tanh(far) - 1.0 / far)


# log (1/S) sum_s w_s
def log_mean_exp(log_w: Float[Tensor, " samples *shape"]) -> Float[Tensor, "*shape"]:
    """Logarithm of the mean over the first axis of what `log_w` is the logarithm of.

    Example:
        >>> log_mean_exp(torch.log(torch.tensor([1.0, 3.0])))
        tensor(0.6931)

    """
    return torch.logsumexp(log_w, dim=0) - math.log(log_w.shape[0])


# Var[x] = d mean / d a = 1/a^2 - 1/(4 sinh^2(a/2))
def continuous_bernoulli_variance(logits: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Variance of the continuous Bernoulli, per element: 1/12 at logit 0.

    Example:
        >>> continuous_bernoulli_variance(torch.zeros(1))
        tensor([0.0833])

    """
    y = 0.5 * logits.abs()
    small = y < 0.5
    far = torch.where(small, torch.ones_like(y), y)
    near = torch.where(small, y, torch.zeros_like(y)) ** 2
    series = torch.zeros_like(y)
    for k in range(len(_LOG_SINHC), 0, -1):
        series = series * near + 2 * k * (2 * k - 1) * _LOG_SINHC[k - 1]
    inverse_squared_sinh = 4 * torch.exp(-2 * far) / torch.expm1(-2 * far) ** 2
    return 0.25 * torch.where(small, series, 1.0 / far**2 - inverse_squared_sinh)


def continuous_bernoulli_logits(mean: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Natural parameter of the continuous Bernoulli of a given mean, by Newton's method.

    The mean is moved into [1e-6, 1 - 1e-6] first: the parameter is infinite at 0 and 1.

    Example:
        >>> round(float(continuous_bernoulli_logits(torch.tensor([0.5]))), 6)
        0.0

    """
    target = mean.double().clamp(1e-6, 1 - 1e-6)
    # 1/(1-m) - 1/m has the poles of the inverse: exact in both limits, right at 1/2.
    logits = 1.0 / (1.0 - target) - 1.0 / target
    for _ in range(30):
        error = continuous_bernoulli_mean(logits) - target
        logits = logits - error / continuous_bernoulli_variance(logits).clamp_min(1e-300)
    return logits.to(mean.dtype)


def gradient_only(value: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Return zeros that have the gradient of `value`.

    Adding them changes what a quantity teaches, and not what it is: the value that is logged
    stays the bound.

    Example:
        >>> x = torch.tensor(3.0, requires_grad=True)
        >>> y = gradient_only(x**2)
        >>> y.backward()
        >>> y.item(), x.grad.item()
        (0.0, 6.0)

    """
    return value - value.detach()


# log Gamma(x) = (x - 1/2) log x - x + 1/2 log 2 pi + r(x)
# r(x) = sum_k B_2k / (2k (2k - 1) x^(2k - 1))           Abramowitz & Stegun 1964, (6.1.40)
_STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156)
_SLOPES = tuple(-(2 * k + 1) * c for k, c in enumerate(_STIRLING))  # of r
_LARGE = 8  # from here on the series has all the digits of double precision
_LOG_PRODUCT, _SUM = math.log(math.prod(range(8, 16))), sum(1 / k for k in range(8, 16))


def log_gamma_remainder(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """What Stirling's formula leaves of log Gamma, per element, for positive x.

    Differences of log-gammas of large numbers lose their digits; written with this remainder, whose
    large parts cancel by hand, they keep them.

    Example:
        >>> round(float(log_gamma_remainder(torch.tensor(1.0))), 4)  # 1 - 1/2 log 2 pi
        0.0811

    """
    far, near = x.clamp_min(_LARGE), x.clamp_max(_LARGE)
    exact = torch.lgamma(near) - (near - 0.5) * torch.log(near) + near - 0.5 * LOG_2PI
    return torch.where(x >= _LARGE, _polynomial(_STIRLING, far**-2) / far, exact)


# log Gamma(t + x) - log Gamma(t) = (T - 1/2) log(1 + d/T) + d log(T + d) - d + r(T + d) - r(T),
# T = t and d = x where both ends are large; an end that is small is raised:
# log Gamma(t) = log Gamma(t + 8) - log t (t + 1) ... (t + 7)   Abramowitz & Stegun 1964, (6.1.16)
def log_rising(t: Float[Tensor, "*#shape"], x: Float[Tensor, "*#shape"]) -> Float[Tensor, "*shape"]:
    """Logarithm of the rising factorial t (t + 1) ... (t + x - 1), per element, for positive t.

    It keeps its digits where t is so large that log Gamma(t + x) - log Gamma(t) has none left.

    Example:
        >>> log_rising(torch.tensor(3.0), torch.tensor(2.0)).exp()
        tensor(12.0000)

    """
    return _LogRising.apply(*torch.broadcast_tensors(t, x))


class _LogRising(torch.autograd.Function):
    """The logarithm, and derivatives of it that need no digamma, which is slow, as `where` is."""

    generate_vmap_rule = True

    @staticmethod
    def forward(t: Tensor, x: Tensor) -> Tensor:
        (start, low, near), (end, high, far) = _raised(t), _raised(t + x)
        mixed = low - high
        d = x - _LARGE * mixed
        large = (start - 0.5) * torch.log1p(d / start) + d * torch.log(end) - d
        before, after = (_polynomial(_STIRLING, v**-2) / v for v in (start, end))
        return (
            large
            + (after - before)
            + torch.log(_product(near) / _product(far))
            + _LOG_PRODUCT * mixed
        )

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
        ctx.save_for_backward(*inputs)

    # psi(T) = log T - 1/(2T) + r'(T),  psi(t) = psi(t + 8) - 1/t - 1/(t + 1) - ... - 1/(t + 7)
    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, Tensor | None]:
        t, x = ctx.saved_tensors
        (start, low, near), (end, high, far) = _raised(t), _raised(t + x)
        before, after = ((_polynomial(_SLOPES, v**-2) / v - 0.5) / v for v in (start, end))
        mixed, steps = low - high, _sum(far)
        in_t = torch.log1p((x - _LARGE * mixed) / start) + (after - before)
        in_t = grad_outputs[0] * (in_t + (_sum(near) - steps + _SUM * mixed))
        if not ctx.needs_input_grad[1]:  # data
            return in_t, None
        return in_t, grad_outputs[0] * (torch.log(end) + after - steps + _SUM * (1.0 - high))


def _raised(t: Tensor) -> tuple[Tensor, Tensor, Tensor]:  # t + 8, 1 and t, or t, 0 and 8
    small = (t <= _LARGE).to(t.dtype)  # as clamp_max has a slope
    return t + _LARGE * small, small, t.clamp_max(_LARGE)


# t (t + 1) ... (t + 7) = u (u + 6) (u + 10) (u + 12),  u = t (t + 7)
def _product(t: Tensor) -> Tensor:
    u = t * (t + 7.0)
    return u * (u + 6.0) * (u + 10.0) * (u + 12.0)


def _sum(t: Tensor) -> Tensor:  # the derivative of its logarithm: 1/t + ... + 1/(t + 7)
    u = t * (t + 7.0)
    return (2.0 * t + 7.0) * sum(1.0 / (u + k) for k in (0, 6, 10, 12))
