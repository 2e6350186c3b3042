"""A prior that is not where the latents are."""

import pytest

from nelbo.doctor.diagnose import adapt, diagnose


@pytest.mark.parametrize(("scale", "code"), [(1.0, []), (1.4, []), (6.0, ["prior_hole"])])
def test_a_hole_in_the_prior(exact, pair, codes, scale, code):
    """The latents stretched, and decoded as before: everything but the prior is as it was."""
    encoder, decoder = pair

    def encode(x):
        mu, logvar = encoder(x)
        return scale * mu, logvar

    found = diagnose(adapt(encode=encode, decode=lambda z: decoder(z / scale)), exact.x)
    assert codes(found) == code
    assert found.ok
