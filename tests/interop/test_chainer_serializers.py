"""Chainer's weight files: both ways the same, and nothing is half read or half written."""

import io
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import nelbo.interop.chainer as chainer
from nelbo.errors import BadValue, Failed
from nelbo.interop.chainer import load_npz, save_npz

REFERENCE = Path(__file__).parents[1] / "reference" / "chainer-5.0.0"
SMALL = (4, 2, 8)


def _arrays(path):
    with np.load(path, allow_pickle=False) as npz:
        return dict(npz)


@pytest.mark.parametrize("compression", [True, False])
def test_a_file_of_chainers_comes_back_the_same(tmp_path, compression):
    theirs = REFERENCE / "seed_vae_bernoulli_nll.npz"
    model = chainer.VAE(784, 20, 200)
    load_npz(theirs, model)
    save_npz(tmp_path / "mlp.model", model, compression=compression)
    before, after = _arrays(theirs), _arrays(tmp_path / "mlp.model")
    assert before.keys() == after.keys()
    for key, value in before.items():
        assert after[key].dtype == value.dtype
        np.testing.assert_array_equal(after[key], value)
    size = (tmp_path / "mlp.model").stat().st_size
    assert (size < 1.01 * theirs.stat().st_size) is compression
    assert [p.name for p in tmp_path.iterdir()] == ["mlp.model"]


def test_nested_chains_and_lists_are_named_by_slashes():
    inner = chainer.Chain(le1=chainer.links.Linear(4, 2, nobias=True))
    outer = nn.ModuleDict({"encoder": inner, "layers": nn.ModuleList([nn.Linear(2, 3)])})
    file = io.BytesIO()
    save_npz(file, outer)
    file.seek(0)
    assert set(_arrays(file)) == {"encoder/le1/W", "layers/0/W", "layers/0/b"}
    lone = chainer.links.Linear(4, 2, nobias=True)
    file.seek(0)
    load_npz(file, lone, path="encoder/le1/")
    torch.testing.assert_close(lone.weight, inner.le1.weight, rtol=0, atol=0)


def _changed(**changes):
    file = io.BytesIO()
    save_npz(file, chainer.VAE(*SMALL))
    file.seek(0)
    arrays = {k: v for k, v in (_arrays(file) | changes).items() if v is not None}
    out = io.BytesIO()
    np.savez_compressed(out, **arrays)
    return out.getvalue()


def _npy():
    out = io.BytesIO()
    np.save(out, np.zeros(3))
    return out.getvalue()


def _flipped():
    content = bytearray(_changed())
    for at in range(200, 240):
        content[at] ^= 0xFF
    return bytes(content)


BAD = {
    "missing": (_changed(**{"ld3/b": None}), "expected a weight 'ld3/b', got none. Did you mean"),
    "extra": (_changed(**{"ld4/W": np.zeros(2)}), "got 'ld4/W'. Pass strict=False"),
    "shape": (_changed(**{"ld3/b": np.zeros(5, "f")}), r"ld3/b: expected shape \[4\], got \[5\]"),
    "one for all": (_changed(**{"ld3/b": np.zeros(1, "f")}), r"expected shape \[4\], got \[1\]"),
    "integers": (_changed(**{"ld3/b": np.zeros(4, "i")}), "ld3/b: expected floats"),
    "objects": (_changed(**{"ld3/b": np.array([None] * 4)}), "Object arrays cannot be loaded"),
    "cut early": (_changed()[:300], "File is not a zip file"),
    "cut late": (_changed()[:-30], "File is not a zip file"),
    "flipped": (_flipped(), "expected a .npz file"),
    "pickle": (pickle.dumps({"le1/W": 1}), "no zip archive, perhaps a pickle"),
    "text": (b"weights", "no zip archive, perhaps a pickle"),
    "empty": (b"", "No data left in file|no zip archive"),
    "npy": (_npy(), "a single array"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_gives_one_line_and_changes_no_weight(tmp_path, name):
    content, message = BAD[name]
    path = tmp_path / "mlp.model"
    path.write_bytes(content)
    model = chainer.VAE(*SMALL)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    with pytest.raises(BadValue, match=message) as caught:
        load_npz(path, model)
    assert "\n" not in str(caught.value)
    for key, value in model.state_dict().items():
        torch.testing.assert_close(value, before[key], rtol=0, atol=0)


def test_a_missing_file_and_a_missing_folder_are_named(tmp_path):
    with pytest.raises(BadValue, match="No such file"):
        load_npz(tmp_path / "absent.npz", chainer.VAE(*SMALL))
    with pytest.raises(Failed, match=r"absent/mlp\.model: .*No such file or directory"):
        save_npz(tmp_path / "absent" / "mlp.model", chainer.VAE(*SMALL))


def test_not_strict_skips_names_on_either_side():
    model = chainer.VAE(*SMALL)
    bias = torch.full((4,), 7.0)
    nn.init.constant_(model.ld3.bias, 7.0)
    file = io.BytesIO(_changed(**{"ld3/b": None, "ld4/W": np.zeros(2), "le1/b": np.ones(8)}))
    load_npz(file, model, strict=False)
    torch.testing.assert_close(model.ld3.bias.data, bias)
    torch.testing.assert_close(model.le1.bias.data, torch.ones(8))


@pytest.mark.parametrize("layer", [nn.LayerNorm(3), nn.BatchNorm1d(3, affine=False), nn.GRU(3, 3)])
def test_layers_that_chainer_names_otherwise_are_refused(layer):
    model = nn.ModuleDict({"norm": layer})
    with pytest.raises(TypeError, match="norm: expected parameters in linear layers only, got"):
        save_npz(io.BytesIO(), model)
    with pytest.raises(TypeError, match="norm: expected parameters in linear layers only, got"):
        load_npz(io.BytesIO(_changed()), model)


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "mlp.model"
    save_npz(path, chainer.VAE(*SMALL))
    before = path.read_bytes()

    def fail(file, **arrays):
        file.write(b"half")
        raise OSError("No space left on device")

    monkeypatch.setattr(np, "savez_compressed", fail)
    with pytest.raises(OSError, match="No space left"):
        save_npz(path, chainer.VAE(*SMALL))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
