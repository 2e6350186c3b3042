import hashlib

import numpy as np
import pytest
import torch

from nelbo.data import load
from nelbo.data.transforms import as_transform
from nelbo.errors import BadType, BadValue

X = np.random.default_rng(0).integers(0, 256, (50, 1, 4, 4), dtype=np.uint8)


def test_split_is_seeded_disjoint_and_a_tenth():
    array = np.arange(100, dtype=np.float32)[:, None]
    a, b, c = load(array), load(array), load(array, seed=1)
    assert (len(a.train), len(a.test)) == (90, 10)
    assert torch.equal(a.test.array, b.test.array)
    assert not torch.equal(a.test.array, c.test.array)
    values = torch.cat([a.train.array, a.test.array])[:, 0]
    assert sorted(values.tolist()) == list(range(100))
    assert "10 of 100 examples" in a.provenance
    assert "seed 0" in a.provenance


@pytest.mark.parametrize(("n", "held"), [(2, 1), (19, 1), (20, 2), (100_001, 10_000)])
def test_how_many_are_held_out(n, held):
    assert len(load(np.zeros((n, 1), dtype=np.float32)).test) == held


def test_one_example_is_refused():
    with pytest.raises(BadValue, match="at least 2 examples"):
        load(np.zeros((1, 3)))


def test_checksum_is_of_the_raw_bytes_of_both_sets():
    for transform in (None, "static_binarise"):
        data = load(X, transform=transform)
        plain = load(X)
        both = plain.train.array.numpy().tobytes() + plain.test.array.numpy().tobytes()
        assert data.checksum == hashlib.sha256(both).hexdigest()


def test_static_binarisation_draws_both_sets_from_different_streams():
    halves = np.full((2000, 784), 128, dtype=np.uint8)
    data = load(halves, transform="static_binarise")
    same = (data.train.array[:200] == data.test.array).float().mean().item()
    assert same == pytest.approx(0.5, abs=5 * 0.5 / np.sqrt(200 * 784))


def test_floats_pass_unchanged():
    array = np.linspace(-3, 3, 20).reshape(10, 2)
    assert torch.equal(load(array).train[:], load(array).train.array)


def test_a_users_idx_file(tmp_path, idx_bytes):
    path = tmp_path / "mine-idx3-ubyte"
    path.write_bytes(idx_bytes(X[:, 0]))
    assert load(path).train.array.shape == (45, 1, 4, 4)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(BadValue, match="got 799 bytes"):
        load(path)


@pytest.mark.parametrize(
    ("what", "says"),
    [
        ("mnits", "Did you mean 'mnist'"),
        ("MNIST", "Did you mean 'mnist'"),
        ("fashion_mnist", "Did you mean 'fashion-mnist'"),
        ("no/such/file.npy", "Known: fashion-mnist, mnist"),
    ],
)
def test_unknown_names(what, says, one_line):
    with pytest.raises(BadValue) as error:
        load(what)
    assert says in one_line(error)


def test_a_misspelt_file_is_led_to_its_neighbour(tmp_path):
    np.save(tmp_path / "digits.npy", X)
    with pytest.raises(BadValue, match=r"Did you mean '.*digits\.npy'"):
        load(tmp_path / "digit.npy")


def test_other_endings_list_what_can_be_read(tmp_path, one_line):
    (tmp_path / "x.mat").write_text("")
    with pytest.raises(BadValue) as error:
        load(tmp_path / "x.mat")
    assert ".npz" in one_line(error)


@pytest.mark.parametrize("what", [None, 3, [1, 2]])
def test_other_types(what, one_line):
    with pytest.raises(BadType) as error:
        load(what)
    one_line(error)


def test_a_bad_transform_is_refused_before_any_reading(tmp_path):
    with pytest.raises(BadValue, match="Did you mean 'scale'"):
        load(tmp_path / "missing.npy", transform="scales")
    with pytest.raises(BadType, match="Transform or its text"):
        as_transform(3)


@pytest.mark.parametrize("transform", ["static_binarise", "dynamic_binarise"])
@pytest.mark.parametrize("value", [-0.1, 1.5])
def test_floats_outside_0_1_are_not_binarised(transform, value, one_line):
    array = np.zeros((20, 3), dtype=np.float32)
    array[7, 1] = value
    with pytest.raises(BadValue) as error:
        load(array, transform=transform)
    assert f"got {value}" in one_line(error)


def test_importing_and_loading_keep_the_callers_generator():
    before = torch.get_rng_state()
    load(X, transform="static_binarise:seed=3")
    assert torch.equal(before, torch.get_rng_state())
