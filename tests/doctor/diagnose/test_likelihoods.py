"""A diagnosis of models of any likelihood, on data that is its own."""

import pytest
import torch

import nelbo
from nelbo import registry
from nelbo.rng import seeded


def drawn(text, columns=6, rows=400):
    """Return data of a likelihood around six patterns of two factors."""
    likelihood = registry.build("likelihood", text)
    likelihood.setup((columns,))
    with seeded(0):
        z = torch.randn(rows, 2)
        w = torch.randn(2, columns)
        shape = likelihood.parameter_shape((columns,))
        outputs = torch.zeros(1, rows, *shape)
        where = outputs if len(shape) == 1 else outputs[:, :, 0]
        where += (z @ w)[None]
        return likelihood(outputs).sample()[0]


@pytest.mark.parametrize(
    "text", ["log_normal", "poisson", "negative_binomial", "laplace", "student_t", "beta"]
)
def test_no_range_is_missed_that_the_likelihood_has(text):
    x = drawn(text)
    with seeded(0):
        network = nelbo.networks.MLP(hidden=(32,))
        likelihood = registry.build("likelihood", text)
        model = nelbo.VAE(6, 2, network=network, likelihood=likelihood)
    nelbo.fit(model, x, epochs=20, batch=50, lr=3e-3, callbacks=[])
    codes = {finding.code for finding in nelbo.diagnose(model, x).findings}
    assert not codes & {"range_mismatch", "double_sigmoid"}


def test_a_table_is_diagnosed():
    with seeded(0):
        x = torch.cat((torch.randn(300, 2), (torch.rand(300, 2) < 0.4).float()), dim=1)
        text = "columns:parts=(gaussian(sigma=per_feature),bernoulli),sizes=(2,2)"
        likelihood = registry.build("likelihood", text)
        model = nelbo.VAE(4, 2, likelihood=likelihood, network=nelbo.networks.MLP(hidden=(16,)))
    nelbo.fit(model, x, epochs=3, callbacks=[])
    assert nelbo.diagnose(model, x).measures["active_units"].unit == "of 2 latents"
