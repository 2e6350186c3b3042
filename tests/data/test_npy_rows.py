"""NpyRows and OnDisk: files that are not read into memory."""

import os

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nelbo.data import Examples, NpyRows, OnDisk, as_source, load, rows
from nelbo.errors import BadType, BadValue, Failed
from nelbo.rng import generator

DTYPES = ["uint8", "bool", "float16", "float32", "float64", ">f4"]


def saved(path, n=25, dtype="uint8", shape=(2, 3), seed=0):
    array = np.random.default_rng(seed).integers(0, 256, (n, *shape)).astype(dtype)
    np.save(path, array)
    return array


@pytest.fixture
def small(monkeypatch):
    """Let files of more than 100 bytes count as large."""
    monkeypatch.setattr(rows, "STREAMED", 100)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_file_gives_what_the_array_gives(tmp_path, dtype):
    array = saved(tmp_path / "x.npy", dtype=dtype)
    here = Examples(array if array.dtype.isnative else array.astype("f4"), labels=range(25))
    there = OnDisk(NpyRows(tmp_path / "x.npy"), labels=range(25))
    assert (there.shape, there.size, len(there)) == ((2, 3), 25, 25)
    for order in (None, 4):
        for skip in (0, 2, 9):
            one, other = (
                list(source.epoch(7, None if order is None else generator(order), skip))
                for source in (here, there)
            )
            assert len(one) == len(other) == max(0, 4 - skip)
            assert all(torch.equal(x, y) for x, y in zip(one, other, strict=True))
    assert torch.equal(here.mean(), there.mean())
    assert torch.equal(here[[24, 0, 0, 5]], there[[24, 0, 0, 5]])
    assert torch.equal(here.take([9, 3, 4])[:], there.take([9, 3, 4])[:])
    assert there.take([9, 3]).labels.tolist() == [9, 3]
    assert torch.equal(here.spread(4).take([3, 1])[:], there.spread(4).take([3, 1])[:])
    assert torch.equal(here.flattened()[:], there.flattened()[:])
    assert torch.equal(here.flattened().take([2])[:], there.take([2]).flattened()[:])


@settings(max_examples=50, deadline=None)
@given(numbers=st.lists(st.integers(0, 24), min_size=1, max_size=40))
def test_any_rows_in_any_order(tmp_path_factory, numbers):
    path = tmp_path_factory.mktemp("rows") / "x.npy"
    array = saved(path)
    found = NpyRows(path).read(torch.tensor(numbers))
    assert np.array_equal(found.numpy(), array[numbers])


def test_nothing_is_kept_in_memory(tmp_path):
    path = tmp_path / "x.npy"
    np.lib.format.open_memmap(path, "w+", np.uint8, (300_000, 1000)).flush()
    source, before = OnDisk(NpyRows(path)), resident()
    for i, _ in enumerate(source.epoch(1000, generator(0))):
        assert resident() - before < 30e6
        if i == 50:
            break


def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")


def test_a_large_file_is_split_as_a_small_one_is(tmp_path, small):
    array = saved(tmp_path / "x.npy", n=50)
    here, there = load(array), load(tmp_path / "x.npy")
    assert isinstance(there.train, OnDisk)
    assert isinstance(there.test, OnDisk)
    assert torch.equal(here.train[:], there.train[:])
    assert torch.equal(here.test[:], there.test[:])
    assert "5 of 50 examples" in there.provenance
    assert there.place == str(tmp_path / "x.npy")


def test_a_checksum_says_that_it_is_of_samples(tmp_path, small):
    array = saved(tmp_path / "x.npy", n=2000, shape=(100,))
    first = load(tmp_path / "x.npy").checksum
    assert first.startswith("sampled-")
    np.save(tmp_path / "same.npy", array)
    assert load(tmp_path / "same.npy").checksum == first
    for seed, n in ((1, 2000), (0, 2001)):
        saved(tmp_path / "y.npy", n=n, shape=(100,), seed=seed)
        assert load(tmp_path / "y.npy").checksum != first


def test_the_digest_is_of_the_whole_file(tmp_path):
    array = saved(tmp_path / "x.npy", n=9000, shape=(1000,))
    first = NpyRows(tmp_path / "x.npy").identity()
    for row in (0, 4500, 8999):
        other = array.copy()
        other[row - row % 500 : row + 500] ^= 1
        np.save(tmp_path / "y.npy", other)
        assert NpyRows(tmp_path / "y.npy").identity() != first


@pytest.mark.parametrize("mode", ["r", "r+"])
def test_a_memory_mapped_array_is_read_through_its_file(tmp_path, mode):
    array = saved(tmp_path / "x.npy", n=50)
    mapped = np.load(tmp_path / "x.npy", mmap_mode=mode)
    assert torch.equal(as_source(mapped)[:], Examples(array)[:])
    assert isinstance(as_source(mapped), OnDisk)
    assert torch.equal(as_source(mapped[7:31])[:], Examples(array[7:31])[:])
    assert torch.equal(as_source(mapped.reshape(50, 6))[:], Examples(array.reshape(50, 6))[:])
    assert torch.equal(load(mapped).test[:], load(array).test[:])
    assert isinstance(as_source(mapped[::2]), Examples)  # rows with gaps between
    assert isinstance(as_source(mapped[:, 0]), Examples)
    assert isinstance(as_source(mapped + 0), Examples)


def test_what_was_written_in_memory_alone_is_not_lost(tmp_path):
    saved(tmp_path / "x.npy")
    mapped = np.load(tmp_path / "x.npy", mmap_mode="c")
    mapped[:] = 255
    assert as_source(mapped)[:].min() == 1


def test_a_raw_memory_map_with_an_offset(tmp_path):
    array = np.arange(60_000, dtype=np.uint8).reshape(-1, 4)
    (tmp_path / "x.bin").write_bytes(b"head!" + array.tobytes())
    for offset, start in ((5, 0), (5 + 4 * 5000, 5000)):
        mapped = np.memmap(tmp_path / "x.bin", np.uint8, "r", offset).reshape(-1, 4)
        assert torch.equal(as_source(mapped)[:], Examples(array[start:])[:])


def test_the_first_value_that_is_infinite_is_named_by_its_example(tmp_path, one_line):
    array = np.zeros((50, 3), np.float32)
    array[37, 2] = np.inf
    np.save(tmp_path / "x.npy", array)
    source = OnDisk(NpyRows(tmp_path / "x.npy"))
    for view in (source, source.take(range(20, 50))):
        for order in (None, generator(3)):
            with pytest.raises(BadValue, match="inf in example 37, feature 2") as error:
                list(view.epoch(8, order))
            assert "x.npy" in one_line(error)


@pytest.mark.parametrize("size", [0, 100, -1])
def test_a_file_that_shrinks_ends_the_epoch(tmp_path, size, one_line):
    path = tmp_path / "x.npy"
    saved(path, n=5000)
    epoch = OnDisk(NpyRows(path)).epoch(10, generator(0))
    next(epoch)
    os.truncate(path, size if size >= 0 else path.stat().st_size - 1)
    with pytest.raises(Failed) as error:
        list(epoch)
    assert str(path) in one_line(error)
    assert "30,128 bytes" in str(error.value)


def test_a_file_that_vanishes_ends_the_epoch(tmp_path, one_line):
    path = tmp_path / "x.npy"
    saved(path, n=5000)
    source = OnDisk(NpyRows(path))
    epoch = source.epoch(10)
    next(epoch)
    path.rename(tmp_path / "away.npy")
    with pytest.raises(Failed, match="no such file") as error:
        list(epoch)
    assert "Put it back" in one_line(error)
    (tmp_path / "away.npy").rename(path)
    assert len(list(source.epoch(10, skip=499))) == 1


def test_a_file_that_was_written_anew_ends_the_epoch(tmp_path):
    path = tmp_path / "x.npy"
    saved(path)
    source = OnDisk(NpyRows(path))
    saved(path, seed=1)
    os.utime(path, ns=(0, 0))
    with pytest.raises(Failed, match="written since"):
        list(source.epoch(10))


@pytest.mark.parametrize(
    ("array", "kind", "says"),
    [
        (np.zeros((9, 3), np.int64), BadValue, "pixels or counts"),
        (np.zeros(9, np.float32), BadValue, "two axes"),
        (np.zeros((0, 3), np.float32), BadValue, "at least one example"),
        (np.zeros((9, 3), order="F"), BadValue, "Fortran"),
        (np.full((9, 3), "a"), BadType, "numbers"),
        (np.full((9, 3), None), BadType, "numbers"),
    ],
)
def test_files_refused_at_once(tmp_path, array, kind, says, one_line):
    np.save(tmp_path / "x.npy", array)
    with pytest.raises(kind, match=says) as error:
        NpyRows(tmp_path / "x.npy")
    one_line(error)


@pytest.mark.parametrize("size", [0, 5, 60, 200])
def test_truncated_files_refused_at_once(tmp_path, size, one_line, small):
    path = tmp_path / "x.npy"
    saved(path)
    os.truncate(path, size)
    with pytest.raises(BadValue) as error:
        load(path)
    assert str(path) in one_line(error)


def test_what_needs_the_whole_array_is_refused(tmp_path, small, one_line):
    saved(tmp_path / "x.npy")
    with pytest.raises(BadValue, match="dynamic_binarise") as error:
        load(tmp_path / "x.npy", transform="static_binarise")
    one_line(error)


def test_a_file_that_is_not_there(tmp_path, one_line):
    with pytest.raises(BadValue, match="expected a file, got No such file") as error:
        NpyRows(tmp_path / "none.npy")
    one_line(error)
