"""Data that a family drew is given that family."""

import pytest

from nelbo import registry
from nelbo.doctor.suggest.evidence import look
from nelbo.doctor.suggest.reading import read
from nelbo.doctor.suggest.rules import RULES

from .draws import DRAWS, SEEDS, SIZES, drawn

SHARE = 0.95


def chosen(x):
    seen = look(read(x))
    proposal = next(rule.propose(seen) for rule in RULES if rule.applies(seen))
    return registry.spec(proposal.likelihood)["name"]


def family(name):
    return name.partition(",")[0]


def test_the_family_of_the_data_is_found():
    """Of 300 data sets of 50 to 5,000 examples at least 95 in 100."""
    cases = [(name, *size, seed) for name in DRAWS for size in SIZES for seed in SEEDS]
    missed = [case for case in cases if chosen(drawn(*case)) != family(case[0])]
    assert len(cases) == 300
    assert len(missed) <= (1 - SHARE) * len(cases), missed
    # from 1,000 examples on nothing but tails that are alike is confused
    tails = {"logistic", "student_t"}
    assert {family(name) for name, n, *_ in missed if n >= 1000} <= tails


@pytest.mark.parametrize("name", DRAWS)
def test_every_name_is_a_likelihoods(name):
    assert family(name) in registry.names("likelihood")
