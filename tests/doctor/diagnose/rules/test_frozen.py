"""An encoder that nothing trains, and what only looks like one."""

import pytest
import torch

from nelbo.doctor.diagnose import adapt, diagnose


@pytest.mark.parametrize("way", ["requires_grad", "optimizer", "step"])
def test_a_frozen_encoder(exact, pair, codes, sample, way):
    encoder, decoder = pair
    arguments = {}
    if way == "requires_grad":
        encoder.requires_grad_(False)
    if way == "optimizer":
        arguments["optimizer"] = torch.optim.Adam(decoder.parameters())
    if way == "step":

        def step(x):
            with torch.no_grad():
                mu, logvar = encoder(x)
            kl = -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum(1).mean()
            return ((decoder(sample(mu, logvar)) - x) ** 2).sum(1).mean() + kl

        arguments["step"] = step
    found = diagnose(adapt(encode=encoder, decode=decoder, **arguments), exact.x)
    assert codes(found)[0] == "frozen_encoder"


@pytest.mark.parametrize("way", ["everything", "detached", "both in the optimizer"])
def test_what_only_looks_frozen(exact, pair, codes, way):
    """A model loaded for use only, an adapter that detaches, an optimizer that has both halves."""
    encoder, decoder = pair
    encode, arguments = encoder, {}
    if way == "everything":
        encoder.requires_grad_(False)
        decoder.requires_grad_(False)
    if way == "detached":
        encode = lambda x: tuple(t.detach() for t in encoder(x))  # noqa: E731
    if way == "both in the optimizer":
        arguments["optimizer"] = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()])
    assert codes(diagnose(adapt(encode=encode, decode=decoder, **arguments), exact.x)) == []
