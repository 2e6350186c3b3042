import pytest
import torch

import nelbo
from nelbo.errors import BadValue
from nelbo.objectives import RAEGP, RAEL2
from nelbo.rng import seeded
from nelbo.testing import check_objective
from tests.objectives.linear_gaussian import LinearGaussian


def autoencoder():
    with seeded(0):
        network = nelbo.networks.MLP(hidden=(16,))
        posterior = nelbo.posteriors.Deterministic()
        return nelbo.VAE((12,), 6, network=network, posterior=posterior)


def coins():
    with seeded(0):
        x = (torch.rand(400, 12) < 0.5).float()
    x[:, 6:] = x[:, :6]
    return x


def jacobian(model, z):
    def decode(v):
        return model.decode(v[None, None]).mean[0, 0]

    return torch.autograd.functional.jacobian(decode, z)


def test_it_keeps_the_laws():
    check_objective(RAEL2())


def test_it_is_the_papers_sum_of_three():
    model, x = autoencoder(), coins()[:5]
    terms = model.terms(x)
    z = model.encode(x).mean
    squares = sum((p**2).sum() for p in model.decoder.parameters())
    expected = terms.log_px[0] - 0.3 * 0.5 * (z**2).sum(-1) - 0.7 * squares
    torch.testing.assert_close(RAEL2(latents=0.3, decoder=0.7)(terms), expected)


@pytest.mark.parametrize("kind", [RAEL2, RAEGP])
def test_it_trains_and_its_regulariser_regularises(kind):
    ends = {}
    for weight in (0.0, 2.0):
        model, objective = autoencoder(), kind(latents=0.0, decoder=weight)
        nelbo.fit(model, coins(), objective=objective, epochs=20, batch=50, lr=5e-3, callbacks=[])
        z = model.encode(coins()[:50]).mean.detach()
        roughness = sum(float((jacobian(model, v) ** 2).sum()) for v in z) / len(z)
        squares = float(sum((p**2).sum() for p in model.decoder.parameters()).detach())
        ends[weight] = roughness if kind is RAEGP else squares
    assert ends[2.0] < 0.5 * ends[0.0]


def test_a_model_without_a_decoder_module_is_refused():
    with pytest.raises(BadValue, match="decoder: expected a model whose `decoder` is a module"):
        RAEL2()(LinearGaussian().terms(1))


@pytest.mark.parametrize("arguments", [{"latents": -1.0}, {"decoder": float("nan")}])
@pytest.mark.parametrize("kind", [RAEL2, RAEGP])
def test_weights_out_of_range_are_refused(kind, arguments):
    with pytest.raises(BadValue, match=f"{next(iter(arguments))}: expected"):
        kind(**arguments)
