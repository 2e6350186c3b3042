"""MapDataset, Batches and as_source."""

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

from nelbo import data
from nelbo.data import Batches, Examples, MapDataset, as_source, load
from nelbo.errors import BadType, BadValue
from nelbo.rng import generator


class Items(Dataset):
    def __init__(self, items):
        self.items = items

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        return self.items[i]


class Stream(IterableDataset):
    def __iter__(self):
        return iter(torch.arange(6.0)[:, None])


class Restarts:
    def __iter__(self):
        return iter([torch.zeros(2, 3)])


def numbered(n):
    return [(torch.full((2,), float(i)), i) for i in range(n)]


def firsts(batches):
    return [batch[:, 0].tolist() for batch in batches]


def test_dataset_gives_what_examples_give():
    source, examples = MapDataset(Items(numbered(7))), Examples(torch.arange(7.0)[:, None])
    assert (source.shape, source.size, len(source)) == ((2,), 7, 7)
    for skip in (0, 2, 9):
        assert firsts(source.epoch(3, generator(1), skip)) == firsts(
            examples.epoch(3, generator(1), skip)
        )


def test_dataset_of_bytes_is_scaled():
    source = MapDataset(Items([np.array([0, 255], dtype=np.uint8)] * 2))
    assert next(source.epoch(2)).tolist() == [[0, 1], [0, 1]]


@pytest.mark.parametrize(
    ("items", "kind"),
    [
        ([], BadValue),
        ([torch.tensor(1.0)], BadValue),
        ([torch.tensor([1, 2])], BadValue),  # int64: pixels or counts?
        ([torch.tensor([float("inf")])], BadValue),
        ([{"x": torch.zeros(1)}], BadType),
        (["text"], BadType),
    ],
)
def test_datasets_refused_at_once(items, kind, one_line):
    with pytest.raises(kind) as error:
        MapDataset(Items(items))
    one_line(error)


def test_later_items_are_checked_when_they_come():
    ragged = MapDataset(Items([torch.zeros(2), torch.zeros(3)]))
    with pytest.raises(BadValue, match="item 1"):
        list(ragged.epoch(2))
    with pytest.raises(BadValue, match=r"\[2\]"):
        list(ragged.epoch(1))
    with pytest.raises(BadValue, match="finite"):
        list(MapDataset(Items([torch.zeros(2), torch.tensor([0.0, torch.inf])])).epoch(1))


def test_a_stream_cannot_be_binarised_once():
    for make in (lambda t: MapDataset(Items(numbered(2)), t), lambda t: Batches(Restarts(), t)):
        with pytest.raises(BadValue, match="dynamic_binarise"):
            make("static_binarise")


def test_a_stream_outside_0_1_is_not_binarised():
    with pytest.raises(BadValue, match=r"\[0, 1\]"):
        MapDataset(Items(numbered(3)), "dynamic_binarise").epoch(3).__next__()


def loader(**options):
    return DataLoader(TensorDataset(torch.arange(20.0)[:, None], torch.arange(20)), **options)


@pytest.mark.parametrize(
    ("options", "size"),
    [
        ({"batch_size": 6}, 20),
        ({"batch_size": 6, "drop_last": True}, 18),
        ({"batch_size": 6, "shuffle": True}, 20),
        ({"batch_sampler": [[0, 1], [5]]}, None),
    ],
)
def test_loader_size(options, size):
    source = Batches(loader(**options))
    assert source.size == size
    if size is None:
        with pytest.raises(TypeError, match="unknown size"):
            len(source)
    else:
        assert sum(len(b) for b in source.epoch(6)) == size


def test_list_of_batches():
    source = Batches([torch.zeros(3, 2), (torch.ones(1, 2), "label")])
    assert len(source) == 4
    assert [b.shape[0] for b in source.epoch(100, skip=1)] == [1]
    assert len(list(source.epoch(1))) == len(list(source.epoch(1))) == 2


def test_order_fixes_a_loaders_shuffle_and_skip_resumes_it():
    source = Batches(loader(batch_size=6, shuffle=True))
    whole = firsts(source.epoch(6, generator(4)))
    assert sorted(sum(whole, [])) == list(range(20))
    for skip in range(6):
        torch.manual_seed(skip)
        assert firsts(source.epoch(6, generator(4), skip)) == whole[skip:]
    assert firsts(source.epoch(6, generator(5))) != whole


def test_random_draws_after_skip_are_as_if_nothing_was_skipped():
    class Noisy:
        def __iter__(self):
            return (torch.rand(1, 2) for _ in range(4))

    source = Batches(Noisy())
    torch.manual_seed(0)
    epoch = source.epoch(1, generator(0))
    states, batches = [], []
    while True:
        states.append(torch.get_rng_state())
        batch = next(epoch, None)
        if batch is None:
            break
        batches.append(batch.tolist())
    for skip in range(4):
        rest = source.epoch(1, generator(0), skip)
        torch.set_rng_state(states[skip])
        assert [b.tolist() for b in rest] == batches[skip:]


def test_construction_leaves_the_callers_generator_alone():
    torch.manual_seed(0)
    before = torch.get_rng_state()
    Batches(loader(batch_size=3, shuffle=True))
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize(
    ("batches", "kind"),
    [
        ((b for b in [torch.zeros(2, 2)]), BadType),
        (iter([torch.zeros(2, 2)]), BadType),
        ([], BadValue),
        ([torch.zeros(2)], BadValue),
        ([torch.zeros(2, 2), torch.zeros(2, 3)], BadValue),
        ([torch.zeros(2, 2), torch.full((1, 2), torch.inf)], BadValue),
        (["ab"], BadType),
        (7, BadType),
    ],
)
def test_batches_refused_at_once(batches, kind, one_line):
    with pytest.raises(kind) as error:
        Batches(batches)
    one_line(error)


def test_as_source(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((10, 2)))
    examples = Examples(torch.zeros(3, 2))
    assert as_source(examples) is examples
    given = load(np.zeros((10, 2)))
    assert as_source(given) is given.train
    assert len(as_source(str(tmp_path / "x.npy"))) == len(as_source(tmp_path / "x.npy")) == 9
    for value, kind in [
        (np.zeros((3, 2)), Examples),
        (torch.zeros(3, 2), Examples),
        (TensorDataset(torch.zeros(3, 2)), Examples),
        (Items(numbered(3)), MapDataset),
        (loader(batch_size=2), Batches),
        ([torch.zeros(3, 2)], Batches),
        (Restarts(), Batches),
        (DataLoader(Stream(), batch_size=4), Batches),
        (Stream(), data.Stream),
    ]:
        assert type(as_source(value)) is kind
    assert as_source(torch.zeros(3, 2), "raw").transform.__class__.__name__ == "Raw"


@pytest.mark.parametrize("value", [{"x": torch.zeros(3, 2)}, 5, None, (i for i in "ab")])
def test_as_source_refuses(value, one_line):
    with pytest.raises(BadType) as error:
        as_source(value)
    one_line(error)


def test_a_transform_for_what_has_one_is_refused():
    with pytest.raises(BadValue, match="loaded already"):
        as_source(Examples(torch.zeros(3, 2)), "raw")


def test_a_dataset_that_runs_dry_does_not_end_the_epoch():
    class Dry:
        def __len__(self):
            return 6

        def __getitem__(self, i):
            return torch.zeros(2) if i < 3 else next(iter(()))

    for prefetch in (0, 2):
        with pytest.raises(RuntimeError, match="StopIteration"):
            list(MapDataset(Dry(), prefetch=prefetch).epoch(2))
