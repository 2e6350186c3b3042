"""Seeds: the same key gives the same stream, and the caller's generators stay as they were."""

import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from nelbo.rng import generator, seeded

KEYS = st.lists(st.integers(0, 2**32), max_size=4).map(tuple)


def first(*key):
    return tuple(torch.randint(2**62, (2,), generator=generator(*key)).tolist())


@given(KEYS)
def test_same_key_same_stream(key):
    assert first(*key) == first(*key)


@given(KEYS, KEYS)
def test_different_keys_different_streams(a, b):
    assert (first(*a) == first(*b)) == (a == b)


@given(st.integers(0, 2**32), st.integers(0, 2**32))
def test_the_order_of_a_key_matters(a, b):
    assert (first(a, b) == first(b, a)) == (a == b)


def test_neighbouring_keys_give_unrelated_uniform_numbers():
    """Kolmogorov-Smirnov and lag-1 correlation over 2000 neighbouring keys, at 5 sigma."""
    for key in ((lambda i: (0, i)), (lambda i: (i, 0)), (lambda i: (i,))):
        u = torch.tensor([torch.rand(1, generator=generator(*key(i))) for i in range(2000)])
        assert stats.kstest(u.numpy(), "uniform").pvalue > 5.7e-7
        assert abs(stats.pearsonr(u[1:], u[:-1])[0]) < 5 / 2000**0.5


def test_seeded_repeats_and_puts_the_callers_state_back():
    before = torch.get_rng_state()
    with seeded(3):
        a = torch.rand(4)
    with seeded(3):
        b = torch.rand(4)
    with seeded(4):
        c = torch.rand(4)
    assert torch.equal(a, b)
    assert not torch.equal(a, c)
    assert torch.equal(torch.get_rng_state(), before)


def test_seeded_puts_the_state_back_after_an_error():
    before = torch.get_rng_state()
    try:
        with seeded(3):
            torch.rand(4)
            raise KeyError
    except KeyError:
        pass
    assert torch.equal(torch.get_rng_state(), before)


def test_without_a_seed_the_callers_generator_is_used():
    with seeded(5):
        with seeded(None):
            a = torch.rand(4)
        b = torch.rand(4)
    with seeded(5):
        both = torch.rand(8)
    assert torch.equal(torch.cat((a, b)), both)
