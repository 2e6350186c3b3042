import torch

from nelbo.objectives import RAEGP
from nelbo.rng import seeded
from nelbo.testing import check_objective
from tests.objectives.linear_gaussian import LinearGaussian


def test_it_keeps_the_laws():
    check_objective(RAEGP())


def test_its_estimate_has_the_mean_of_the_squared_jacobian():
    model, draws = LinearGaussian(), 4000
    exact = (model.weight**2).sum().detach()  # the decoder is linear: its Jacobian is the weight
    with seeded(0):
        terms = model.terms(1)
        found = [RAEGP().regulariser(terms).detach()[0] for _ in range(draws)]
    found = torch.stack(found)
    error = float(found.std()) / draws**0.5
    assert abs(float(found.mean() - exact)) < 5 * error


def test_its_gradient_reaches_the_decoder_through_the_jacobian():
    model = LinearGaussian()
    with seeded(0):
        terms = model.terms(1)
    (slope,) = torch.autograd.grad(RAEGP().regulariser(terms).sum(), model.weight)
    assert slope.abs().sum() > 0


def test_where_no_gradients_are_taken_there_is_none():
    with torch.no_grad():
        terms = LinearGaussian().terms(1)
        assert float(RAEGP().regulariser(terms)) == 0.0
