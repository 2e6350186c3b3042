"""A checkpoint is read back exactly, or refused: truncated, altered, or somebody else's."""

import json
import os

import pytest
import torch
from safetensors.torch import save_file

from nelbo.errors import BadValue
from nelbo.train.checkpoint import load_checkpoint, save_checkpoint

TENSORS = {
    "weight": torch.arange(6.0).reshape(2, 3),
    "half": torch.tensor([1.5, -2.0], dtype=torch.bfloat16),
    "count": torch.tensor(7),
    "none": torch.zeros(0, 3),
    "flag": torch.tensor([True, False]),
}
RECORD = {"epoch": 3, "best": None, "history": [{"elbo": -1.25}]}


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "a.safetensors"
    save_checkpoint(path, TENSORS, RECORD)
    return path


def test_reads_what_was_written(path, same):
    tensors, record = load_checkpoint(path)
    same(tensors, TENSORS)
    assert record == RECORD
    assert os.listdir(path.parent) == [path.name]


def test_tensors_that_share_memory_or_are_strided_are_saved(tmp_path, same):
    weight = torch.arange(6.0).reshape(2, 3)
    tensors = {"a": weight, "tied": weight, "view": weight.T, "wide": weight[:1].expand(4, 3)}
    save_checkpoint(tmp_path / "a", tensors, {})
    same(load_checkpoint(tmp_path / "a")[0], tensors)


def _refused(path, one_line):
    with pytest.raises(BadValue) as error:
        load_checkpoint(path)
    assert str(path) in one_line(error)


def test_every_truncation_is_refused(path, one_line):
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        _refused(path, one_line)


@pytest.mark.parametrize("flip", [0x01, 0x20, 0x80])
def test_every_flipped_byte_is_refused_or_changes_nothing(path, same, flip):
    """The metadata is covered too: a flipped digit in the record is as bad as one in a weight."""
    whole, refused = path.read_bytes(), 0
    for place in range(len(whole)):
        changed = bytearray(whole)
        changed[place] ^= flip
        path.write_bytes(changed)
        try:  # a few bytes, such as the padding of the header, carry nothing
            tensors, record = load_checkpoint(path)
        except BadValue:
            refused += 1
        else:
            same(tensors, TENSORS)
            assert record == RECORD
    assert refused >= len(whole) - 16


def test_more_bytes_are_refused(path, one_line):
    path.write_bytes(path.read_bytes() + b"\0")
    _refused(path, one_line)


@pytest.mark.parametrize("metadata", [None, {"nelbo": "{}"}, {"format": "pt"}])
def test_a_foreign_file_is_refused(tmp_path, metadata, one_line):
    save_file({"weight": torch.ones(2)}, tmp_path / "a", metadata=metadata)
    _refused(tmp_path / "a", one_line)


@pytest.mark.parametrize("data", [b"", b"\x80\x04pickle", b"{}", b"\xff" * 100])
def test_what_is_no_safetensors_is_refused(tmp_path, data, one_line):
    (tmp_path / "a").write_bytes(data)
    _refused(tmp_path / "a", one_line)


def test_a_folder_or_nothing_is_refused(tmp_path, one_line):
    _refused(tmp_path, one_line)
    _refused(tmp_path / "missing", one_line)


def test_a_record_that_json_cannot_hold_is_never_written(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        save_checkpoint(tmp_path / "a", {}, {"elbo": float("nan")})
    assert os.listdir(tmp_path) == []


def test_the_file_is_plain_safetensors_with_readable_facts(path):
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        assert json.loads(file.metadata()["nelbo"]) == RECORD


def test_nothing_stays_a_view_of_the_file(path, same):
    tensors, _ = load_checkpoint(path)
    with open(path, "r+b") as file:
        size = path.stat().st_size
        file.seek(size - 60)
        file.write(bytes(60))
    same(tensors, TENSORS)
