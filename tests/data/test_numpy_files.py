import numpy as np
import pytest
import torch

from nelbo.data import load
from nelbo.errors import BadValue

X = np.arange(80, dtype=np.float32).reshape(20, 4)


def test_npy(tmp_path):
    np.save(tmp_path / "x.npy", X)
    data = load(tmp_path / "x.npy")
    assert (len(data.train), len(data.test), data.name) == (18, 2, "x")
    together = torch.cat([data.train.array, data.test.array])
    assert torch.equal(together[together[:, 0].argsort()], torch.from_numpy(X))


@pytest.mark.parametrize(
    ("train", "test"), [("train", "test"), ("x_train", "x_test")], ids=["plain", "keras"]
)
def test_npz_with_both_sets(tmp_path, train, test):
    y = np.arange(20, dtype=np.uint8)
    np.savez(tmp_path / "x.npz", **{train: X, test: X[:3], "y_train": y, "y_test": y[:3]})
    data = load(tmp_path / "x.npz")
    assert torch.equal(data.train.array, torch.from_numpy(X))
    assert data.test.labels.tolist() == [0, 1, 2]
    assert "as given" in data.provenance


def test_npz_with_one_array_and_labels_is_split_alike(tmp_path):
    np.savez_compressed(tmp_path / "x.npz", images=X, labels=X[:, 0].astype(int))
    data = load(tmp_path / "x.npz")
    for part in (data.train, data.test):
        assert part.labels.tolist() == part.array[:, 0].tolist()


@pytest.mark.parametrize(
    "keys", [{"a": X, "b": X}, {"train": X, "x_test": X}, {}, {"labels": X}, {"a": X, "y_test": X}]
)
def test_ambiguous_keys_are_listed(tmp_path, keys, one_line):
    np.savez(tmp_path / "x.npz", **keys)
    with pytest.raises(BadValue) as error:
        load(tmp_path / "x.npz")
    assert (", ".join(keys) or "no keys") in one_line(error)


@pytest.mark.parametrize("ending", ["npy", "npz"])
def test_pickles_are_never_loaded(tmp_path, ending, one_line):
    class Evil:
        def __reduce__(self):
            return (exec, (f"open({str(tmp_path / 'ran')!r}, 'w')",))

    path = tmp_path / f"x.{ending}"
    (np.save if ending == "npy" else np.savez)(path, np.array([Evil()], dtype=object))
    with pytest.raises(BadValue) as error:
        load(path)
    assert "pickled" in one_line(error)
    assert not (tmp_path / "ran").exists()


def test_a_plain_pickle_is_refused(tmp_path, one_line):
    import pickle

    (tmp_path / "x.npy").write_bytes(pickle.dumps([1, 2, 3]))
    with pytest.raises(BadValue) as error:
        load(tmp_path / "x.npy")
    assert "pickle" in one_line(error)


@pytest.mark.parametrize("save", [np.save, np.savez, np.savez_compressed])
def test_every_truncation_is_refused(tmp_path, save, one_line):
    path = tmp_path / ("x.npy" if save is np.save else "x.npz")
    save(path, X)
    whole = path.read_bytes()
    for length in range(0, len(whole), 3):
        path.write_bytes(whole[:length])
        with pytest.raises(BadValue) as error:
            load(path)
        assert str(path) in one_line(error)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_tampered_npz_data_is_refused(tmp_path, save, one_line):
    path = tmp_path / "x.npz"
    save(path, X)
    whole = bytearray(path.read_bytes())
    whole[len(whole) // 3] ^= 0xFF
    path.write_bytes(whole)
    with pytest.raises(BadValue) as error:
        load(path)
    assert str(path) in one_line(error)


def test_an_absurd_size_in_the_header_is_refused(tmp_path, one_line):
    path = tmp_path / "x.npy"
    np.save(path, X)
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"(20, 4), }" + b" " * 11, b"(2000000000000, 4), }"))
    assert path.read_bytes() != whole
    with pytest.raises(BadValue) as error:
        load(path)
    one_line(error)


def test_wrong_ending_is_named(tmp_path):
    np.save(tmp_path / "x.npy", X)
    (tmp_path / "x.npy").rename(tmp_path / "x.npz")
    with pytest.raises(BadValue, match="Rename it to x.npy"):
        load(tmp_path / "x.npz")


@pytest.mark.parametrize("other", [X[:, :3], X[:2].astype(np.uint8)])
def test_unlike_sets_are_refused(tmp_path, other, one_line):
    np.savez(tmp_path / "x.npz", train=X, test=other)
    with pytest.raises(BadValue) as error:
        load(tmp_path / "x.npz")
    assert "test set" in one_line(error)
