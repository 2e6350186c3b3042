"""Epochs over parquet files on disk: every example once, every row group read once."""

import pytest
import torch

from nelbo.data import OnDisk, ParquetRows, Part
from nelbo.rng import generator
from tests.data.parquet_files import vectors

WHOLE = Part()


def epoch(source, batch=7, seed=None, skip=0, part=WHOLE):
    return list(source.epoch(batch, None if seed is None else generator(seed), skip, part))


@pytest.mark.parametrize("held_out", [False, True])
def test_laws_of_an_epoch(tmp_path, streamed, held_out):
    x = torch.from_numpy(vectors(tmp_path / "x.parquet")) / 255
    source = OnDisk(ParquetRows([tmp_path / "x.parquet"]))
    if held_out:
        kept = torch.arange(95)[torch.arange(95) % 9 > 0]
        source, x = source.take(kept), x[kept]
    whole = epoch(source, seed=1)
    places = [int((x == row).all(1).nonzero()[0]) for row in torch.cat(whole)]
    assert sorted(places) == list(range(len(x)))
    assert places != sorted(places)
    assert torch.equal(torch.cat(epoch(source)), x)
    for skip in (0, 1, 5, 99):
        assert [b.tolist() for b in epoch(source, seed=1, skip=skip)] == [
            b.tolist() for b in whole[skip:]
        ]
    shares = [epoch(source, seed=1, part=Part(rank, 3)) for rank in range(3)]
    for rows_, batch in zip(zip(*shares, strict=True), whole, strict=True):
        assert torch.equal(torch.cat(rows_), batch)
    assert [b.tolist() for b in epoch(source, seed=2)] != [b.tolist() for b in whole]


def test_a_row_group_is_read_once_an_epoch(tmp_path, streamed):
    vectors(tmp_path / "x.parquet", n=400)
    read = []

    class Watched(ParquetRows):
        def _table(self, g, columns):
            read.append(g)
            assert len(getattr(self, "_kept", ())) <= 6
            return super()._table(g, columns)

    source = OnDisk(Watched([tmp_path / "x.parquet"]))
    source.rows._kept.clear()
    source.rows._held = 0
    read.clear()
    places = source._shuffled(generator(0))
    first = (places[:30] // 10).unique()
    assert len(first) == 3  # examples of three row groups, mixed
    for _ in source.epoch(7, generator(0)):
        pass
    assert sorted(read) == list(range(40))


@pytest.mark.parametrize("seed", range(8))
def test_so_is_one_larger_than_a_window_beside_small_ones(tmp_path, streamed, seed):
    vectors(tmp_path / "a.parquet", n=130, group=130)
    vectors(tmp_path / "b.parquet", n=90)
    read = []

    class Watched(ParquetRows):
        def _table(self, g, columns):
            read.append(g)
            return super()._table(g, columns)

    source = OnDisk(Watched([tmp_path / "a.parquet", tmp_path / "b.parquet"]))
    source.rows._kept.clear()
    source.rows._held = 0
    read.clear()
    for _ in source.epoch(7, generator(seed)):
        pass
    assert sorted(read) == list(range(10))
