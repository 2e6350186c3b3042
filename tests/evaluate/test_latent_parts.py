"""Latents that belong together: levels and codes of trained models, groups, points on a sphere."""

import copy

import pytest
import torch
from numpy.testing import assert_allclose

import nelbo
from nelbo import registry
from nelbo.evaluate import ActiveUnits, KLPerLatent
from nelbo.evaluate.latent_parts import parts_of
from nelbo.rng import seeded


def data(n=400):
    """Two factors in eight features, and little noise."""
    with seeded(1):
        return torch.randn(n, 2) @ torch.randn(2, 8) + 0.3 * torch.randn(n, 8)


def trained(posterior, prior, latent, objective=None):
    with seeded(0):
        model = nelbo.VAE(
            8,
            latent,
            nelbo.networks.MLP(hidden=(16,)),
            nelbo.likelihoods.Gaussian(variance=0.1),
            registry.build("posterior", posterior),
            registry.build("prior", prior),
        )
    nelbo.fit(model, data(), objective=objective, epochs=40, lr=0.01, batch=50, callbacks=[])
    return model.eval()


@pytest.fixture(scope="module", name="ladder")
def _ladder():
    return trained("ladder:levels=(2,3)", "top_down:levels=(2,3),hidden=8", 5)


@pytest.fixture(scope="module", name="vq")
def _vq():
    objective = nelbo.objectives.VQELBO()
    return trained("vq:codes=16,dim=2", "uniform_codes", 4, objective)


def with_silent(model, outputs):
    """Return a copy whose encoder gives these outputs the same number for every x."""
    twin = copy.deepcopy(model)
    last = [m for m in twin.encoder.modules() if isinstance(m, torch.nn.Linear)][-1]
    with torch.no_grad():
        for i, at in outputs.items():
            last.weight[i], last.bias[i] = 0.0, at
    return twin


def silent_below(ladder):
    """Its encoder is sure of nothing on the lower level: q(z_2|z_1, x) is p(z_2|z_1)."""
    return with_silent(ladder, {2: 0.0, 3: 0.0, 4: 0.0, 7: 1e4, 8: 1e4, 9: 1e4})


def units(model):
    found = nelbo.evaluate(model, data(), [ActiveUnits(), KLPerLatent()])
    return found["active_units"], found["active_parts"], found["kl_per_latent"]


def test_a_level_is_active_by_what_it_says_beyond_those_above(ladder):
    each, levels, kl = units(ladder)
    # another draw of the latents: the KLs agree as far as a mean over 400 of them does
    assert_allclose(each.parts, [2 * nats for nats in kl.parts], rtol=0.1, atol=0.02)
    assert levels.unit == "of 2 levels"
    assert levels.parts == (max(each.parts[:2]), max(each.parts[2:]))
    assert levels.value == sum(part > 0.01 for part in levels.parts)


def test_a_level_that_follows_those_above_alone_is_not_active(ladder):
    model = silent_below(ladder)
    with torch.no_grad():
        varies = model.encode(data()).mean.var(0)
    assert bool((varies[2:] > 0.01).any())  # what a variance of the means would call active
    each, levels, kl = units(model)
    assert max(kl.parts[2:]) < 1e-3
    assert each.value == sum(part > 0.01 for part in each.parts[:2]) > 0
    assert (levels.value, levels.unit) == (1, "of 2 levels")


def test_codes_are_counted_whole_and_whatever_their_size(vq):
    constant = with_silent(vq, {2: 0.3, 3: -0.2})
    for model, used in ((vq, 2), (constant, 1)):
        found = nelbo.evaluate(model, data(), [ActiveUnits()])
        assert (found["active_parts"].value, found["active_parts"].unit) == (used, "of 2 codes")
        small = copy.deepcopy(model)
        last = [m for m in small.encoder.modules() if isinstance(m, torch.nn.Linear)][-1]
        with torch.no_grad():
            for number in (last.weight, last.bias, small.posterior.codebook.vectors):
                number.mul_(2.0**-10)
        again = nelbo.evaluate(small, data(), [ActiveUnits()])
        for name, estimate in found.items():
            assert again[name].value == estimate.value
            assert_allclose(again[name].parts, estimate.parts, rtol=1e-4)


@pytest.mark.parametrize(
    ("posterior", "prior", "unit", "sizes"),
    [
        ("concrete:categories=3", "relaxed_uniform:categories=3", "of 2 groups", (3, 3)),
        ("von_mises_fisher", "uniform_sphere", "of 1 point", (6,)),
        ("fsq:levels=(3,3,3)", "uniform_codes", "of 2 codes", (3, 3)),
    ],
)
def test_parts_of_other_latents(posterior, prior, unit, sizes):
    made = [registry.build("posterior", posterior), registry.build("prior", prior)]
    with seeded(0):
        model = nelbo.VAE(8, 6, posterior=made[0], prior=made[1]).eval()
    parts = parts_of(model.encode(torch.rand(3, 8)))
    assert (parts.unit, parts.sizes) == (unit, sizes)
    found = nelbo.evaluate(model, torch.rand(50, 8).round(), [ActiveUnits()])
    assert found["active_parts"].unit == unit
    assert len(found["active_units"].parts) == 6


def test_latents_of_their_own_are_no_parts():
    model = nelbo.VAE(8, 2)
    assert parts_of(model.encode(torch.rand(3, 8))) is None
    assert "active_parts" not in nelbo.evaluate(model, torch.ones(9, 8), [ActiveUnits()])


def test_on_a_sphere_the_unit_is_the_priors_variance():
    """Directions all over the sphere of 50 latents have variances of 1/50: all of them count."""
    built = [registry.build("posterior", "von_mises_fisher"), nelbo.priors.UniformSphere()]
    with seeded(0):
        model = nelbo.VAE(50, 50, posterior=built[0], prior=built[1])
        model.encoder = Sharp()
        x = torch.randn(2000, 50)
    found = nelbo.evaluate(ActiveOnly(model), x, [ActiveUnits()])
    assert_allclose(found["active_units"].parts, [1.0] * 50, atol=0.2)


class Sharp(torch.nn.Module):
    def forward(self, x):
        return torch.cat((x, torch.full_like(x[:, :1], 1e4)), dim=1)


class ActiveOnly:
    """The posterior of a model alone, of data that its likelihood does not take."""

    def __init__(self, model):
        self.model = model

    def terms(self, x, samples=1):
        return self.model.terms(x, samples)

    def reconstruct(self, x):
        return self.model.reconstruct(x)


@pytest.mark.parametrize(("used", "said"), [(1, "1 of the 2 levels is used"), (2, None)])
def test_the_doctor_counts_levels(ladder, used, said):
    model = ladder if used == 2 else silent_below(ladder)
    finding = next((f for f in nelbo.diagnose(model, data()).findings if "unused" in f.code), None)
    if said is None:
        assert finding is None or "levels" in finding.cause
        return
    assert said in finding.cause
    assert "beyond the levels above" in finding.cause
    assert "latent" not in finding.fix
    assert finding.evidence == {"active levels": 1, "levels": 2}


def test_the_doctor_counts_codes(vq):
    found = nelbo.diagnose(with_silent(vq, {2: 0.3, 3: -0.2}), data())
    finding = next(f for f in found.findings if f.code == "unused_latents")
    assert "1 of the 2 codes is used; the others are the same for every x" in finding.cause
    assert finding.fix == "Nothing has to be done; 1 code would do as well."
