"""What goes together trains; what does not is refused, by a message that says what would."""

import random
import sys
from importlib import import_module
from pathlib import Path

import pytest
import torch

import nelbo
from nelbo.errors import BadValue, NelboError, NelboWarning
from nelbo.likelihoods import Gaussian
from nelbo.objectives import IWAE, FreeBits
from nelbo.posteriors import VQ, Diagonal, Planar
from nelbo.priors import Standard, UniformCodes

DOCS = Path(__file__).parent.parent / "docs"
sys.path.insert(0, str(DOCS))
tried = import_module("combinations")
sys.path.remove(str(DOCS))

COUNT, EXAMPLES = 25, 60
BITS = torch.rand(60, 8, generator=torch.Generator().manual_seed(0)).round()


def drawn(seed):
    """Return a combination of five names: posterior and prior are of one space."""
    pick = random.Random(seed)
    chosen = {axis: pick.choice(tried.names(axis)) for axis in sorted(tried.USUAL)}
    space = tried.measure("posterior", chosen["posterior"])
    chosen["prior"] = pick.choice(
        [p for p in tried.names("prior") if tried.measure("prior", p) == space]
    )
    return chosen


def is_documented(chosen):
    """Return whether docs/catalogue.md, which knows of pairs, says that it goes together."""
    latents = {axis: chosen[axis] for axis in ("posterior", "prior")}
    pairs = [
        {**latents, "objective": chosen["objective"]},
        {axis: chosen[axis] for axis in ("likelihood", "network")},
        {axis: chosen[axis] for axis in ("likelihood", "objective")},
    ]
    if chosen["objective"] == "vq_elbo":  # it goes with no likelihood but beside a codebook
        pairs[-1] = {"likelihood": chosen["likelihood"]}
    return all(tried.refusal(**pair) is None for pair in pairs)


@pytest.mark.parametrize("seed", range(COUNT))
def test_any_combination_trains_as_documented_or_is_refused_before_the_first_step(seed, tmp_path):
    chosen = drawn(seed)
    if not is_documented(chosen):
        with pytest.raises(NelboError) as refused:
            trained(chosen, tmp_path / "run")
        assert refused.value.fix
        assert not list(tmp_path.glob("run/*.safetensors"))
        return
    model, history, x = trained(chosen, tmp_path / "run")
    assert all(torch.tensor(line["loss"]).isfinite() for line in history)
    made = model.sample(3, seed=0)
    assert made.shape == (3, *model.data_shape)
    assert bool(made.isfinite().all())
    again = nelbo.load(tmp_path / "run")
    assert torch.equal(again.sample(3, seed=0), made)
    assert torch.equal(again.reconstruct(x), model.reconstruct(x))


def trained(chosen, out):
    """Train two epochs of the likelihood's own draws."""
    classes = bool(set(chosen.values()) & set(tried.NEED_CLASSES))
    model, _ = tried.small(classes, tried.shape_for(chosen), *(chosen[a] for a in tried.MODEL))
    x = tried.data_of(model, EXAMPLES)
    objective = tried.built("objective", chosen["objective"])
    run = nelbo.fit(model, x, objective=objective, epochs=2, batch=30, callbacks=[], out=out)
    return run.model, run.history, x[:4]


BAD = {
    "a KL per latent of a posterior that has none": (
        lambda: nelbo.fit(
            nelbo.VAE((8,), 2, posterior=Planar()), BITS, objective=FreeBits(), callbacks=[]
        ),
        "'diagonal'",
    ),
    "codes under importance weights": (
        lambda: nelbo.fit(
            nelbo.VAE((8,), 4, posterior=VQ(codes=8, dim=2), prior=UniformCodes()),
            BITS,
            objective=IWAE(),
            callbacks=[],
        ),
        "'elbo'",
    ),
    "no latents": (lambda: nelbo.VAE((8,), 0), "Try 20"),
    "a codebook larger than the data": (
        lambda: nelbo.fit(
            nelbo.VAE((8,), 4, posterior=VQ(codes=512, dim=4), prior=UniformCodes()),
            BITS,
            callbacks=[],
        ),
        "codes=6",
    ),
    "two base measures": (
        lambda: nelbo.VAE((8,), 4, posterior=VQ(dim=2), prior=Standard()),
        "'uniform_codes'",
    ),
    "two base measures, the other way round": (
        lambda: nelbo.VAE((8,), 4, posterior=Diagonal(), prior=UniformCodes()),
        "'standard'",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_is_refused_by_a_message_that_says_what_would(name):
    build, fix = BAD[name]
    with pytest.raises(BadValue) as refused:
        build()
    assert fix in refused.value.fix


def test_counts_under_a_gaussian_are_warned_of_with_a_likelihood_that_would_do():
    counts = torch.poisson(torch.full((60, 8), 3.0))
    model = nelbo.VAE((8,), 2, likelihood=Gaussian(variance=1.0))
    with pytest.warns(NelboWarning, match=r"poisson|counts"):
        nelbo.fit(model, counts, epochs=1, callbacks=[])
