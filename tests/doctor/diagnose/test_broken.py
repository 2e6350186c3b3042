"""Numbers that are not finite are named, wherever they begin."""

import math

import torch
from torch import nn

from nelbo.doctor.diagnose import adapt, diagnose


def test_numbers_that_are_not_finite_are_named(exact, pair, codes):
    encoder, decoder = pair
    with torch.no_grad():
        decoder.weight[2, 1] = math.nan
    found = diagnose(adapt(encode=encoder, decode=decoder), exact.x)
    assert codes(found) == ["not_finite"]
    assert found.findings[0].evidence["tensor"] == "weight"
    assert not found.ok


def test_what_overflows_on_the_way_is_named(exact, healthy, codes):
    encoder = nn.Linear(8, 6)
    with torch.no_grad():
        encoder.weight *= 1e4
    found = diagnose(
        healthy(encode=lambda x: tuple(encoder(x).exp().chunk(2, dim=1)), encoder=encoder), exact.x
    )
    assert codes(found) == ["not_finite"]
    assert found.findings[0].evidence["tensor"] == "exp"
