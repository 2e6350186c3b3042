"""Units that are stuck, of every activation."""

import pytest
import torch
from torch import nn

from nelbo.doctor.diagnose import adapt, diagnose


class Deep(nn.Module):
    """The exact decoder behind a layer of activations, `broken` of ten of which are stuck."""

    def __init__(self, decoder, activation, broken):
        super().__init__()
        self.widen, self.act, self.narrow = nn.Linear(3, 10), activation(), nn.Linear(10, 8)
        with torch.no_grad():
            self.widen.weight.zero_()
            self.narrow.weight.zero_()
            self.widen.bias.fill_(-50.0 if activation is nn.ReLU else 5.0)
            alive = min(3, 10 - broken)
            self.widen.weight[:alive, :alive] = torch.eye(alive) * 0.1
            self.widen.bias[: 10 - broken] = 0.5
            self.narrow.weight[:, :alive] = decoder.weight[:, :alive] * 10
            self.narrow.bias.copy_(decoder.bias - 5 * decoder.weight[:, :alive].sum(1))

    def forward(self, z):
        return self.narrow(self.act(self.widen(z)))


@pytest.mark.parametrize(
    ("activation", "code"), [(nn.ReLU, "dead_units"), (nn.Tanh, "saturated_units")]
)
@pytest.mark.parametrize("broken", [0, 5, 9, 10])
def test_units_that_are_stuck(exact, pair, codes, activation, code, broken):
    encoder, decoder = pair
    deep = Deep(decoder, activation, broken)
    found = diagnose(adapt(encode=encoder, decode=deep), exact.x)
    assert (code in codes(found)) == (broken >= 9)
    if broken >= 9:
        assert codes(found)[0] == code
        evidence = found.findings[0].evidence
        assert evidence["layer"] == f"act ({activation.__name__})"
        assert evidence["units"] == 10
        assert broken in evidence.values()
