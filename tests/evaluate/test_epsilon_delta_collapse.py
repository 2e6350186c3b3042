"""(epsilon, delta)-collapse against Lucas et al. 2019's definition, counted by hand."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

import nelbo
from nelbo.errors import BadValue
from nelbo.evaluate import EpsilonDeltaCollapse


def data(n=200):
    return np.random.default_rng(0).normal(size=(n, 3)).astype(np.float32)


def shares(foreign, x, epsilon):
    """P_x[KL_k < epsilon], KL(N(mu, s^2) || N(0, 1)) written out."""
    mu, s = x.astype(np.float64) @ foreign.encode.numpy(), foreign.sigma.numpy()
    kl = 0.5 * (mu**2 + s**2 - np.log(s**2) - 1)
    return (kl < epsilon).mean(0)


@pytest.mark.parametrize("epsilon", [0.01, 0.35, 1.0, 50.0])
def test_the_shares_by_hand(foreign, epsilon):
    x = data()
    found = nelbo.evaluate(foreign, x, [EpsilonDeltaCollapse(epsilon=epsilon)])["collapsed_units"]
    assert_allclose(found.parts, shares(foreign, x, epsilon), atol=1e-12)
    assert found.value == sum(share >= 0.99 for share in found.parts)
    assert (found.unit, found.examples) == ("of 2 latents", 200)


def test_delta_is_the_share_of_inputs_that_may_be_excepted(foreign):
    x = data()
    below = shares(foreign, x, 1.0)
    assert 0 < below[0] < 1
    for delta, counted in ((1 - below[0], True), (1 - below[0] - 1e-6, False)):
        estimator = EpsilonDeltaCollapse(epsilon=1.0, delta=delta)
        found = nelbo.evaluate(foreign, x, [estimator])["collapsed_units"]
        assert found.value >= counted
        if not counted:
            assert found.value < sum(below >= below[0])


def test_a_latent_can_be_neither_active_nor_collapsed(foreign):
    """Its mean is constant, but its variance is not the prior's."""
    foreign.encode = torch.zeros(3, 2).double()
    foreign.sigma = torch.tensor([1.0, 0.5]).double()
    found = nelbo.evaluate(foreign, data(), [EpsilonDeltaCollapse(), nelbo.evaluate.ActiveUnits()])
    assert found["collapsed_units"].value == 1
    assert found["active_units"].value == 0


@pytest.mark.parametrize(
    ("arguments", "name"), [({"epsilon": 0.0}, "epsilon"), ({"delta": 1.0}, "delta")]
)
def test_refusals(arguments, name):
    with pytest.raises(BadValue, match=f"{name}: expected"):
        EpsilonDeltaCollapse(**arguments)
