"""Part: every example is seen by exactly one process, whatever the source."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import TensorDataset

from nelbo.data import Batches, Examples, MapDataset, NpyRows, OnDisk, Part
from nelbo.errors import BadValue
from nelbo.rng import generator

numbers = {
    "n": st.integers(1, 30),
    "batch": st.integers(1, 12),
    "of": st.integers(1, 7),
    "skip": st.integers(0, 4),
    "shuffled": st.booleans(),
}


def in_memory(n, batch, folder):
    return Examples(torch.arange(float(n))[:, None])


def in_a_file(n, batch, folder):
    np.save(folder / f"{n}.npy", np.arange(n, dtype=np.float32)[:, None])
    return OnDisk(NpyRows(folder / f"{n}.npy"))


def dataset(n, batch, folder):
    return MapDataset(TensorDataset(torch.arange(float(n))[:, None]))


def batches(n, batch, folder):
    return Batches(list(torch.arange(float(n))[:, None].split(batch)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("npy")


@pytest.mark.parametrize("make", [in_memory, in_a_file, dataset, batches])
def test_the_ranks_rows_in_order_are_the_batch_of_one_process(make, folder):
    @settings(max_examples=40, deadline=None)
    @given(**numbers)
    def law(n, batch, of, skip, shuffled):
        source = make(n, batch, folder)

        def epoch(part):
            return list(source.epoch(batch, generator(3) if shuffled else None, skip, part))

        whole, shares = epoch(Part()), [epoch(Part(rank, of)) for rank in range(of)]
        assert {len(share) for share in shares} == {len(whole)}  # all take the same steps
        for step, x in enumerate(whole):
            rows = [share[step] for share in shares]
            assert [len(r) for r in rows] == [len(r) for r in x.tensor_split(of)]
            assert {(r.shape[1:], r.dtype) for r in rows} == {((1,), torch.float32)}
            assert torch.equal(torch.cat(rows), x)
        seen = sorted(x for share in shares for r in share for x in r[:, 0].tolist())
        if skip == 0:
            assert seen == list(range(n))

    law()


def test_a_run_goes_on_with_another_number_of_processes(folder):
    source = in_a_file(23, 5, folder)
    before = [list(source.epoch(5, generator(1), 0, Part(r, 3)))[:2] for r in range(3)]
    after = [list(source.epoch(5, generator(1), 2, Part(r, 2))) for r in range(2)]
    seen = [x for share in before + after for rows in share for x in rows[:, 0].tolist()]
    assert sorted(seen) == list(range(23))


def test_only_its_own_rows_are_read(folder):
    read = []

    class Watched(NpyRows):
        def read(self, numbers):
            read.extend(numbers.tolist())
            return super().read(numbers)

    in_a_file(20, 5, folder)
    source = OnDisk(Watched(folder / "20.npy"))
    read.clear()
    for _ in source.epoch(5, None, 1, Part(1, 5)):
        pass
    assert read == [6, 11, 16]


@pytest.mark.parametrize(("rank", "of"), [(1, 1), (-1, 2), (0, 0), (3, 2)])
def test_parts_that_are_none(rank, of, one_line):
    with pytest.raises(BadValue) as error:
        Part(rank, of)
    one_line(error)
