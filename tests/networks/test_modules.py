"""The user's own modules: joined, shaped, and checked once."""

import pytest
import torch
from torch import nn

import nelbo
from nelbo.errors import BadType, BadValue
from nelbo.networks import Modules


class TwoHeads(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.mu, self.logvar = nn.Linear(4, size), nn.Linear(4, size)

    def forward(self, x):
        return self.mu(x), self.logvar(x)


def test_a_pair_of_heads_is_mu_and_logvar():
    heads = TwoHeads(3)
    encoder = Modules(heads, nn.Linear(3, 4)).make_encoder((4,), (2, 3))
    x = torch.rand(5, 4)
    mu, logvar = encoder(x).unbind(1)
    assert torch.equal(mu, heads.mu(x))
    assert torch.equal(logvar, heads.logvar(x))


def test_a_flat_decoder_is_shaped_like_the_data():
    decoder = Modules(nn.Identity(), nn.Linear(3, 6)).make_decoder(3, (1, 2, 3))
    assert decoder(torch.zeros(5, 3)).shape == (5, 1, 2, 3)


def test_the_parameters_are_the_models():
    heads, decoder = TwoHeads(3), nn.Linear(3, 4)
    model = nelbo.VAE((4,), 3, network=Modules(heads, decoder))
    own = {id(p) for module in (heads, decoder) for p in module.parameters()}
    assert {id(p) for p in model.parameters()} == own


def test_the_probe_leaves_batch_statistics_and_mode_alone():
    norm = nn.BatchNorm1d(4)
    encoder = nn.Sequential(norm, nn.Linear(4, 6)).double()
    Modules(encoder, nn.Linear(3, 4)).make_encoder((4,), (2, 3))
    assert encoder.training
    assert norm.training
    assert int(norm.num_batches_tracked) == 0


@pytest.mark.parametrize(
    ("encoder", "message"),
    [
        (
            nn.Linear(5, 6),
            r"encoder: expected a module that takes \[batch, 4\], got 'mat1 and mat2",
        ),
        (nn.Linear(4, 7), r"encoder output: expected 6 numbers an example, \[2, 3\], got \[7\]"),
        (TwoHeads(4), r"encoder output: expected 6 numbers an example, \[2, 3\], got \[8\]"),
    ],
)
def test_a_module_that_does_not_fit_is_refused_when_the_model_is_built(encoder, message):
    with pytest.raises(BadValue, match=message):
        nelbo.VAE((4,), 3, network=Modules(encoder, nn.Linear(3, 4)))


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("name", ["encoder", "decoder"])
def test_a_function_is_no_module(name):
    parts = {"encoder": nn.Identity(), "decoder": nn.Identity(), name: torch.tanh}
    with pytest.raises(BadType, match=f"{name}: expected a torch.nn.Module, got builtin_function"):
        Modules(**parts)
