"""Perplexity and dead codes of known codes."""

import numpy as np
import pytest
import torch
from torch.distributions import Independent, Normal

import nelbo
from nelbo.distributions.codes import Codes
from nelbo.errors import BadValue
from nelbo.evaluate import CodebookUse
from nelbo.terms import Terms


class Known:
    """An example is its codes."""

    def __init__(self, codes, books):
        self.codes, self.books, self.groups = codes, books, 2

    def indices(self, z):
        return z.long()

    def vectors(self, indices):
        return indices.float()

    def terms(self, x, samples=1):
        q = Codes(x, x, self.indices(x), self)
        one = Independent(Normal(x[None], 1.0), 1)
        return Terms(x, x[None], one, q, one)

    def reconstruct(self, x):
        return x


CHOSEN = np.array([[0, 0], [0, 1], [1, 0], [2, 0]] * 10, dtype=np.float32)


def perplexity(*shares):
    p = np.array(shares) / np.sum(shares)
    return float(np.exp(-np.sum(p * np.log(p))))


@pytest.mark.parametrize("batch", [7, 500])
def test_of_one_codebook_that_the_groups_share(batch):
    found = nelbo.evaluate(Known(5, 1), CHOSEN, [CodebookUse(batch=batch)])
    use, dead = found["codebook_perplexity"], found["dead_codes"]
    assert use.value == pytest.approx(perplexity(5, 2, 1))
    assert (dead.value, dead.unit) == (2, "of 5 codes")


def test_of_one_codebook_a_group():
    found = nelbo.evaluate(Known(5, 2), CHOSEN, [CodebookUse()])
    use, dead = found["codebook_perplexity"], found["dead_codes"]
    apart = perplexity(2, 1, 1), perplexity(3, 1)
    assert use.parts == pytest.approx(apart)
    assert use.value == pytest.approx((apart[0] * apart[1]) ** 0.5)
    assert (use.unit, dead.value, dead.unit) == ("of 5 codes", 5, "of 10 codes")


def test_latents_that_are_no_codes_are_refused():
    with pytest.raises(BadValue, match="codebook use"):
        nelbo.evaluate(nelbo.VAE(4, 2), torch.ones(10, 4), [CodebookUse()])
