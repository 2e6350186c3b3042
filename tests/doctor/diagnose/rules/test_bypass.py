"""Decoders that see x past z, and those that do not listen to z."""

import numpy as np
import torch

from nelbo.doctor.diagnose import adapt, diagnose


def test_a_decoder_that_is_handed_x(exact, pair, codes):
    encoder, decoder = pair
    sees = adapt(encode=encoder, decode=lambda z, x: 0.5 * decoder(z) + 0.5 * x)
    assert codes(diagnose(sees, exact.x)) == ["decoder_sees_x"]
    # every feature from those before it, and from z
    shifted = lambda x: torch.cat([x[:, :1] * 0, x[:, :-1]], dim=1)  # noqa: E731
    uses = adapt(encode=encoder, decode=lambda z, x: decoder(z) + 0.01 * shifted(x))
    assert codes(diagnose(uses, exact.x)) == []
    deaf = adapt(encode=encoder, decode=lambda z, x: shifted(x))
    assert codes(diagnose(deaf, exact.x)) == ["ignores_latents"]


def test_a_decoder_that_remembers_what_was_encoded(exact, pair, codes):
    encoder, decoder = pair
    kept = {}

    def encode(x):
        kept["x"] = x
        return encoder(x)

    model = adapt(encode=encode, decode=lambda z: decoder(z) + kept["x"].mean(1, keepdim=True))
    assert codes(diagnose(model, exact.x))[0] == "decoder_sees_x"


def test_a_full_pass_that_knows_more_than_its_latents(exact, pair, codes):
    encoder, decoder = pair

    def collapsed(x):
        mu, logvar = encoder(x)
        return 0 * mu, 0 * logvar

    def said(forward):
        model = adapt(encode=collapsed, decode=lambda z: 0 * z @ decoder.weight.T, forward=forward)
        return codes(diagnose(model, exact.x - exact.x.mean(0)))

    assert said(lambda x: (0.9 * x, None, None)[:1])[0] == "decoder_sees_x"
    # predicts each feature from the others alone: what it puts out does not move with itself
    inverse = np.linalg.inv(np.cov(exact.x.T))
    weights = torch.from_numpy(np.eye(8) - inverse / np.diag(inverse)[:, None]).float()
    assert said(lambda x: x @ weights.T)[0] == "ignores_latents"


def test_a_decoder_that_does_not_listen(exact, pair, codes):
    encoder, decoder = pair
    model = adapt(encode=encoder, decode=lambda z: decoder(0 * z))
    found = diagnose(model, exact.x)
    assert codes(found)[0] == "ignores_latents"
    assert found.measures["effective_rank"].value == 0
