"""What is suggested for each kind of data, for odd data, and that it trains."""

import numpy as np
import pytest
import torch

import nelbo
from nelbo.doctor.suggest import evidence
from nelbo.doctor.suggest.reading import read
from nelbo.errors import NelboError

from .draws import DRAWS, drawn


def rng():
    return np.random.default_rng(0)


def mixed(n=400, gaps=0.0):
    r = rng()
    z = r.normal(size=(n, 2))
    x = np.stack(
        [
            r.random(n) < 0.5,
            r.normal(37, 0.5, n) + z[:, 0],
            r.poisson(np.exp(0.5 + 0.3 * z[:, 1])),
            r.choice(4, n, p=[0.5, 0.1, 0.3, 0.1]),
            np.exp(8 + z[:, 1]),
            1 / (1 + np.exp(-z[:, 0] + 0.3 * r.normal(size=n))),
            np.full(n, 3.0),
        ],
        1,
    )
    x[r.random(x.shape) < gaps] = np.nan
    return x.astype(np.float32)


def test_mnist_is_nearly_binary():
    found = nelbo.suggest(nelbo.data.load("mnist"))
    assert (found.text, found.transform) == ("bernoulli", "dynamic_binarise")
    assert found.latent == 64
    assert found.forecast.verdict == "learns"
    assert found.forecast.dimensions > 64
    # E[x (1 - x)] over sum m (1 - m), from all of the images
    x = nelbo.data.load("mnist").train[:].flatten(1).double()
    mean = x.mean(0)
    share = (mean - x.square().mean(0)).sum() / (mean * (1 - mean)).sum()
    measured = found.reason("likelihood").evidence["variance_from_drawing_bits"]
    assert measured == pytest.approx(float(share), rel=0.05)


def test_grey_images_are_masses_on_256_levels():
    x = torch.rand(300, 1, 6, 6, generator=torch.Generator().manual_seed(0))
    as_bytes = (255 * x).round().to(torch.uint8)
    for data in (as_bytes, as_bytes / 255.0):
        found = nelbo.suggest(data)
        assert (found.text, found.transform) == ("discretized_logistic", "scale")
        others = {other.likelihood: other.transform for other in found.alternatives}
        assert others["bernoulli"] == "dynamic_binarise"
        assert others["gaussian:sigma=learned"] == "scale"


def test_a_likelihood_that_is_not_there_makes_room_for_the_next(monkeypatch):
    known = dict(nelbo.registry._COMPONENTS["likelihood"])
    x = drawn("negative_binomial", 1000, 5, 0)
    for gone in ("negative_binomial", "zero_inflated_negative_binomial", "beta_binomial"):
        assert nelbo.registry.spec(nelbo.suggest(x).likelihood)["name"] in known
        del known[gone]
        monkeypatch.setitem(nelbo.registry._COMPONENTS, "likelihood", known)
    for gone in ("categorical", "poisson"):
        del known[gone]
    assert nelbo.suggest(x).text == "gaussian:sigma=learned"


def test_binary_in_every_form():
    x = rng().random((60, 5)) > 0.4
    for data, transform in (
        (x, "scale"),
        (x.astype("float32"), "scale"),
        (x.astype("uint8"), "raw"),
        (255 * x.astype("uint8"), "scale"),
    ):
        found = nelbo.suggest(data)
        assert (found.text, found.transform) == ("bernoulli", transform)
        source = nelbo.data.as_source(data, found.transform)
        assert found.likelihood.check(source[:])


def test_small_bytes_of_a_table_are_counts():
    found = nelbo.suggest(rng().poisson(3, (500, 4)).astype("uint8"))
    assert (found.text, found.transform) == ("poisson", "raw")


def test_whatever_fit_takes(tmp_path):
    x = drawn("poisson", 200, 3, 0)
    np.save(tmp_path / "x.npy", x)
    batches = [torch.from_numpy(x[:100]), torch.from_numpy(x[100:])]
    dataset = torch.utils.data.TensorDataset(torch.from_numpy(x))
    loader = torch.utils.data.DataLoader(dataset, batch_size=50)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    path = tmp_path / "x.npy"
    for data in (x, torch.from_numpy(x), batches, dataset, loader, mapped, path, str(path)):
        assert nelbo.suggest(data).text == "poisson"


def test_a_transform_that_was_chosen_stays():
    x = (255 * rng().random((100, 1, 5, 5))).astype("uint8")
    found = nelbo.suggest(nelbo.data.Examples(x, "dynamic_binarise"))
    assert (found.text, found.transform) == ("bernoulli", "dynamic_binarise")


def test_a_table_of_different_columns_has_a_likelihood_each():
    found = nelbo.suggest(mixed())
    assert found.text == (
        "columns:parts=(bernoulli(),gaussian(sigma=learned),poisson(),"
        "categorical(categories=4,coding=tokens),log_normal(),beta(),gaussian(variance=1))"
    )
    assert any("Column 6 is constant" in note for note in found.notes)
    assert any("no order" in note or "an order" in note for note in found.notes)
    assert nelbo.registry.build("likelihood", found.text).parts[3].categories == 4


def test_missing_values_are_counted_and_change_no_kind():
    gaps = mixed(gaps=0.1)
    found = nelbo.suggest(gaps)
    assert found.text == nelbo.suggest(mixed()).text
    share = np.isnan(gaps).mean()
    assert any(f"{share:.1%} of the values are missing" in note for note in found.notes)
    assert any("missing=True" in note for note in found.notes)


def test_uneven_features_are_standardised_and_then_share_their_noise():
    x = rng().normal(size=(500, 6)) * np.logspace(-2, 3, 6)
    found = nelbo.suggest(x)
    assert found.text == "gaussian:sigma=learned"
    assert found.transform == "standardise"


def test_latents_are_the_linear_equivalent_dimensions():
    r = rng()
    x = r.normal(size=(3000, 5)) @ r.normal(size=(5, 40)) + 0.1 * r.normal(size=(3000, 40))
    found = nelbo.suggest(x)
    assert found.latent == found.forecast.dimensions == 5


def test_independent_features_leave_nothing_to_encode():
    found = nelbo.suggest(rng().normal(size=(5000, 4)))
    assert found.latent == 2
    assert found.forecast.margin < 1.25


@pytest.mark.parametrize(
    "x",
    [
        [[0.0, 1.0], [1.0, 0.0]],
        [[0.5, 2.0], [1.5, -1.0]],
        [[0.0], [1.0], [2.0]],
        [[0.0, 0.0], [1e4, 3.0]],
        [[0.1], [0.2], [0.4]],
        [[1e-30], [1.0], [1e30]],
    ],
)
def test_odd_data_is_given_something_that_takes_it(x):
    data = torch.tensor(x)
    found = nelbo.suggest(data)
    assert found.likelihood.check(nelbo.data.as_source(data, found.transform)[:])
    assert any("too few" in note for note in found.notes)


@pytest.mark.parametrize(
    ("x", "said"),
    [
        (np.zeros((50, 3)), "examples that differ"),
        (np.full((50, 3), np.nan), "nothing but NaN"),
        (np.ones((1, 3)), "at least 2 examples"),
        (np.zeros((0, 3)), "at least one example"),
        (np.array([["a", "b"], ["c", "d"]]), "expected numbers"),
        (np.arange(12).reshape(6, 2), "pixels or counts"),
        (np.full((5, 2), np.inf), "finite"),
        ("nowhere.npy", "known name"),
    ],
)
def test_what_cannot_be_chosen_for_is_refused(x, said):
    with pytest.raises(NelboError, match=said):
        nelbo.suggest(x)


def test_memory_is_bounded(monkeypatch):
    monkeypatch.setattr(evidence, "KEPT", 1000)
    x = drawn("poisson", 5000, 3, 0)
    seen = evidence.look(read(x))
    assert 500 / 3 <= len(seen.sample) <= 1000 / 3
    every = int(np.flatnonzero((x == seen.sample[1].numpy()).all(1))[0])
    assert len(seen.sample) == -(-5000 // 16)
    assert np.array_equal(seen.sample.numpy(), x[::16]), every
    assert seen.mean.numpy() == pytest.approx(x.mean(0), rel=1e-5)
    assert seen.deviation.numpy() == pytest.approx(x.std(0), rel=1e-5)


def test_it_is_printed_with_its_reasons():
    lines = str(nelbo.suggest(drawn("negative_binomial", 500, 5, 0))).splitlines()
    assert lines[0] == "500 examples of 5 features: counts"
    assert lines[1].startswith("likelihood negative_binomial: Counts whose variance is")
    assert [line.split()[0] for line in lines[2:5]] == ["transform", "latent", "forecast"]


@pytest.mark.parametrize("name", [*DRAWS, "mixed"])
def test_what_is_suggested_trains(name):
    x = mixed(200) if name == "mixed" else drawn(name, 200, 6, 1)
    found = nelbo.suggest(x)
    data = nelbo.data.as_source(x, found.transform)
    batch = data[:]
    assert found.likelihood.check(batch)
    torch.manual_seed(0)
    model = nelbo.VAE(
        data.shape, found.latent, nelbo.networks.MLP(hidden=(20,)), likelihood=found.likelihood
    )
    model.initialise(data.mean())
    descent = torch.optim.Adam(model.parameters(), 5e-3)
    losses = []
    for _ in range(60):
        loss = -nelbo.objectives.ELBO()(model.terms(batch)).mean()
        descent.zero_grad()
        loss.backward()
        descent.step()
        losses.append(loss.item())
    assert np.isfinite(losses).all()
    assert np.mean(losses[-5:]) < np.mean(losses[:5])
