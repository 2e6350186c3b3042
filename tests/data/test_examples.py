import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nelbo.data import Examples, StaticBinarise
from nelbo.errors import BadValue, NelboWarning
from nelbo.rng import generator

sizes = {"n": st.integers(1, 40), "batch": st.integers(1, 45), "seed": st.integers(0, 9)}


def numbered(n):
    return Examples(torch.arange(n, dtype=torch.float32)[:, None])


@settings(max_examples=50, deadline=None)
@given(**sizes)
def test_an_epoch_is_every_example_once(n, batch, seed):
    batches = list(numbered(n).epoch(batch, generator(seed)))
    assert sorted(torch.cat(batches)[:, 0].tolist()) == list(range(n))
    assert [len(b) for b in batches[:-1]] == [batch] * (len(batches) - 1)
    assert 1 <= len(batches[-1]) <= batch
    stored = torch.cat(list(numbered(n).epoch(batch)))
    assert stored[:, 0].tolist() == list(range(n))


@settings(max_examples=50, deadline=None)
@given(skip=st.integers(0, 45), **sizes)
def test_skip_drops_the_first_batches(n, batch, seed, skip):
    for order in (generator(seed), None):
        state = order and order.get_state()
        whole = list(numbered(n).epoch(batch, order))
        if order:
            order.set_state(state)
        rest = list(numbered(n).epoch(batch, order, skip))
        assert [b.tolist() for b in rest] == [b.tolist() for b in whole[skip:]]


def test_epoch_draws_its_order_before_it_returns():
    order = generator(0)
    batches = numbered(50).epoch(50, order)
    order.manual_seed(1)
    assert torch.equal(next(batches), next(numbered(50).epoch(50, generator(0))))


@pytest.mark.parametrize(("batch", "skip"), [(0, 0), (-1, 0), (1, -1)])
def test_bad_epoch_arguments_are_refused_at_once(batch, skip):
    with pytest.raises(BadValue):
        numbered(3).epoch(batch, skip=skip)


def test_bytes_stay_bytes_and_are_not_copied():
    array = np.full((4, 1, 2, 2), 51, dtype=np.uint8)
    examples = Examples(array)
    assert examples.array.data_ptr() == array.ctypes.data
    batch = next(examples.epoch(3))
    assert batch.dtype == torch.float32
    assert torch.equal(batch, torch.full((3, 1, 2, 2), 51 / 255))


def test_a_batch_never_aliases_the_array():
    array = np.zeros((4, 2), dtype=np.float32)
    examples = Examples(array)
    for batch in (examples[:], examples[[0]], next(examples.epoch(4))):
        batch.fill_(9)
    assert not array.any()


def test_getitem():
    examples = numbered(5)
    assert examples[1:3].tolist() == [[1.0], [2.0]]
    assert examples[torch.tensor([4, 0])].tolist() == [[4.0], [0.0]]
    assert examples[np.array([3])].tolist() == [[3.0]]
    assert examples[torch.arange(5) > 3].tolist() == [[4.0]]
    assert examples[-1].tolist() == [4.0]
    assert [x.item() for x in examples] == [0, 1, 2, 3, 4]


def test_take_keeps_labels_and_draws_nothing_anew():
    array = np.full((6, 50), 128, dtype=np.uint8)
    examples = Examples(array, StaticBinarise(), labels=range(6))
    part = examples.take([5, 1])
    assert part.labels.tolist() == [5, 1]
    assert (len(part), part.size, part.shape) == (2, 2, (50,))
    assert torch.equal(part[:], examples[[5, 1]])
    assert len(examples) == 6
    with pytest.raises(BadValue):
        examples.take([])


def test_first_of_each_class():
    examples = Examples(torch.zeros(5, 1), labels=np.array([3, 0, 3, 7, 0], dtype=np.uint8))
    assert examples.first_of_each_class() == [1, 0, 3]
    assert examples.first_of_each_class(2) == [1, 0]
    assert numbered(20).first_of_each_class() == list(range(10))
    assert numbered(2).first_of_each_class() == [0, 1]


@pytest.mark.parametrize("labels", [[1, 2], [[1], [2], [3]], [0.5, 1, 2], ["a", "b", "c"]])
def test_labels_refused(labels, one_line):
    with pytest.raises(BadValue) as error:
        Examples(torch.zeros(3, 1), labels=labels)
    one_line(error)


def test_bool_is_zero_and_one():
    assert Examples(np.array([[True, False]]))[:].tolist() == [[1.0, 0.0]]


def test_bytes_of_zero_and_one_warn_and_raw_keeps_them():
    array = np.array([[0, 1]], dtype=np.uint8)
    with pytest.warns(NelboWarning, match="raw"):
        Examples(array)
    assert Examples(array, "raw")[:].tolist() == [[0.0, 1.0]]


@pytest.mark.parametrize(
    ("n", "taken"), [(3, [0, 3, 6]), (10, list(range(10))), (99, list(range(10)))]
)
def test_spread_takes_evenly_spaced_examples(n, taken):
    examples = Examples(torch.arange(10.0)[:, None], labels=list(range(10)))
    assert examples.spread(n).labels.tolist() == taken


@pytest.mark.parametrize("indices", [5, [10], [[0, 1]]])
def test_indices_that_are_no_list_of_examples_are_refused(indices):
    with pytest.raises(BadValue, match=r"indices: expected a list of integers below 10"):
        Examples(torch.arange(10.0)[:, None]).take(indices)
