"""Stream: single examples from any iterable."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import IterableDataset

from nelbo.data import Part, Stream, as_source
from nelbo.errors import BadType, BadValue
from nelbo.rng import generator


class Numbers(IterableDataset):
    def __init__(self, n, noisy=False):
        self.n, self.noisy = n, noisy

    def __iter__(self):
        for i in range(self.n):
            yield torch.tensor([float(i), torch.rand(()).item() if self.noisy else 0.0]), "label"


@settings(max_examples=60, deadline=None)
@given(
    n=st.integers(1, 60),
    batch=st.integers(1, 20),
    buffer=st.integers(1, 70),
    skip=st.integers(0, 6),
    of=st.integers(1, 4),
    shuffled=st.booleans(),
    noisy=st.booleans(),
)
def test_laws(n, batch, buffer, skip, of, shuffled, noisy):
    source = Stream(Numbers(n, noisy and shuffled), buffer=buffer)

    def epoch(skip, part=None):
        return list(source.epoch(batch, generator(1) if shuffled else None, skip, part or Part()))

    whole = epoch(0)
    assert [len(x) for x in whole] == [len(x) for x in torch.zeros(n).split(batch)]
    assert sorted(torch.cat(whole)[:, 0].tolist()) == list(range(n))
    rest, shares = epoch(skip), [epoch(skip, Part(rank, of)) for rank in range(of)]
    assert [x.tolist() for x in rest] == [x.tolist() for x in whole[skip:]]
    for rows, x in zip(zip(*shares, strict=True), rest, strict=True):
        assert [len(r) for r in rows] == [len(r) for r in x.tensor_split(of)]
        assert torch.equal(torch.cat(rows), x)


def test_the_order_changes_with_the_epoch_and_mixes_within_the_buffer():
    source = Stream(Numbers(1000), buffer=100)
    one, other = (torch.cat(list(source.epoch(50, generator(e))))[:, 0] for e in (0, 1))
    assert not torch.equal(one, other)
    assert (one - torch.arange(1000)).abs().mean() > 30
    assert (torch.arange(1000) - one.argsort()).min() >= -1000
    early = one[:100]
    assert early.max() < 200  # none comes before the buffer has seen it


def test_stored_order_draws_from_the_callers_generator():
    source = Stream(Numbers(5, noisy=True))
    torch.manual_seed(3)
    got = torch.cat(list(source.epoch(2)))[:, 1]
    torch.manual_seed(3)
    assert torch.equal(got, torch.stack([torch.rand(()) for _ in range(5)]))


def test_shuffled_it_leaves_the_callers_generator_alone():
    source = Stream(Numbers(50, noisy=True))
    before = torch.get_rng_state()
    list(source.epoch(7, generator(0)))
    assert torch.equal(before, torch.get_rng_state())


def test_a_buffer_is_bounded_in_bytes():
    class Large:
        def __iter__(self):
            return (torch.zeros(2**22) for _ in range(40))

    assert Stream(Large())._room == 16


def test_size_is_known_where_there_is_one():
    class Sized(Numbers):
        def __len__(self):
            return self.n

    assert Stream(Numbers(4)).size is None
    assert Stream(Sized(4)).size == len(as_source(Sized(4))) == 4


@pytest.mark.parametrize(
    ("examples", "kind"),
    [
        (iter([torch.zeros(2)]), BadType),
        ([], BadValue),
        (["text"], BadType),
        ([torch.tensor([float("inf")])], BadValue),
        ([torch.tensor([1, 2])], BadValue),
        (5, BadType),
    ],
)
def test_refused_at_once(examples, kind, one_line):
    with pytest.raises(kind) as error:
        Stream(examples)
    one_line(error)


def test_later_examples_are_checked_when_they_come(one_line):
    with pytest.raises(BadValue, match="example 1: ") as error:
        list(Stream([torch.zeros(2), torch.zeros(3)]).epoch(2))
    one_line(error)
    with pytest.raises(BadValue, match="finite"):
        list(Stream([torch.zeros(2), torch.full((2,), torch.inf)]).epoch(1))


def test_scalars_are_vectors_of_one():
    found = next(Stream([torch.tensor(1.0), torch.tensor(2.0)]).epoch(2))
    assert found.tolist() == [[1.0], [2.0]]


def test_what_needs_the_whole_array_is_refused():
    with pytest.raises(BadValue, match="dynamic_binarise"):
        Stream(Numbers(3), "static_binarise")


def test_a_buffer_holds_one_at_least(one_line):
    with pytest.raises(BadValue, match="buffer: expected an integer of at least 1") as error:
        Stream(Numbers(3), buffer=0)
    one_line(error)
