"""Data of each family from NumPy's own generators, under the name of the likelihood it is of."""

import numpy as np


def zero_inflated(rng, n, d):
    mean = 4.0
    return rng.negative_binomial(2, 2 / (2 + mean), (n, d)) * (rng.random((n, d)) > 0.4)


def classes(rng, n, d, k=5):
    shares = rng.dirichlet(np.ones(k), d)
    return np.stack([rng.choice(k, n, p=share) for share in shares], 1)


def tilted(rng, n, d):
    # p(x) proportional to exp(a x) on [0, 1], by its inverse distribution function
    a = rng.uniform(-3, 3, d)
    return np.log1p(rng.random((n, d)) * np.expm1(a)) / a


def clusters(rng, n, d):
    return 3 * rng.normal(size=(3, d))[rng.integers(0, 3, n)] + rng.normal(size=(n, d))


def factors(rng, n, d):
    return rng.normal(size=(n, 2)) @ rng.normal(size=(2, d)) + 0.3 * rng.normal(size=(n, d))


DRAWS = {
    "bernoulli": lambda r, n, d: r.random((n, d)) < r.uniform(0.1, 0.9, d),
    "gaussian": lambda r, n, d: r.normal(r.normal(0, 2, d), r.uniform(0.7, 1.5, d), (n, d)),
    "gaussian, positive": lambda r, n, d: r.normal(170, 10, (n, d)),
    "gaussian, factors": factors,
    "gaussian, clusters": clusters,
    "laplace": lambda r, n, d: r.laplace(r.normal(0, 2, d), r.uniform(0.7, 1.5, d), (n, d)),
    "logistic": lambda r, n, d: r.logistic(0, r.uniform(0.7, 1.5, d), (n, d)),
    "student_t": lambda r, n, d: r.normal(0, 2, d) + r.standard_t(3, (n, d)),
    "student_t, dof 2": lambda r, n, d: r.standard_t(2, (n, d)),
    "log_normal": lambda r, n, d: r.lognormal(r.normal(0, 1, d), 0.8, (n, d)),
    "log_normal, sigma 0.5": lambda r, n, d: r.lognormal(3, 0.5, (n, d)),
    "beta": lambda r, n, d: r.beta(r.uniform(1, 6, d), r.uniform(2, 6, d), (n, d)),
    "beta, at the edges": lambda r, n, d: r.beta(0.5, 0.5, (n, d)).clip(1e-6, 1 - 1e-6),
    "continuous_bernoulli": tilted,
    "continuous_bernoulli, uniform": lambda r, n, d: r.random((n, d)),
    "poisson": lambda r, n, d: r.poisson(r.uniform(0.5, 8, d), (n, d)),
    "poisson, rare": lambda r, n, d: r.poisson(0.15, (n, d)),
    "poisson, large": lambda r, n, d: r.poisson(100, (n, d)),
    "negative_binomial": lambda r, n, d: r.negative_binomial(
        2, 2 / (2 + r.uniform(1, 10, d)), (n, d)
    ),
    "negative_binomial, large": lambda r, n, d: r.negative_binomial(5, 5 / 55, (n, d)),
    "zero_inflated_negative_binomial": zero_inflated,
    "beta_binomial": lambda r, n, d: r.binomial(10, r.beta(2, 3, (n, d))),
    "categorical": classes,
    "categorical, of 10": lambda r, n, d: classes(r, n, d, 10),
    "discretized_logistic": lambda r, n, d: np.round(255 * r.beta(2, 2, (n, d))).clip(0, 255) / 255,
}
SIZES = ((50, 8), (200, 8), (1000, 5), (5000, 3))
SEEDS = range(3)


def drawn(name, n, d, seed):
    return DRAWS[name](np.random.default_rng(1000 * seed + n), n, d).astype(np.float32)
