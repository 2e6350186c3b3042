"""The one form of error: one line, its parts, and safe passage through pickle and copy."""

import copy
import pickle

import pytest

from nelbo.errors import BadType, BadValue, Failed, NelboError, nearest
from nelbo.testing import ConformanceError

KINDS = [NelboError, BadValue, BadType, Failed, ConformanceError]


@pytest.mark.parametrize("kind", KINDS)
def test_the_text_has_the_four_parts(kind):
    error = kind("latent", expected="an integer", got=0.5, fix="Try 20.")
    assert str(error) == "latent: expected an integer, got 0.5. Try 20."
    assert (error.what, error.expected, error.got, error.fix) == (
        "latent", "an integer", 0.5, "Try 20.",
    )  # fmt: skip


@pytest.mark.parametrize(
    "through", [copy.deepcopy, copy.copy, lambda e: pickle.loads(pickle.dumps(e))]
)
@pytest.mark.parametrize("kind", KINDS)
def test_errors_survive_pickle_and_copy(kind, through):
    """Data-loader workers and process pools send them between processes."""
    error = kind("latent", expected="an integer", got=(1, 2), fix="Try 20.")
    twin = through(error)
    assert type(twin) is kind
    assert str(twin) == str(error)
    assert twin.got == (1, 2)


def test_users_catch_the_builtin_kinds():
    assert issubclass(BadValue, ValueError)
    assert issubclass(BadType, TypeError)
    assert issubclass(Failed, RuntimeError)
    assert issubclass(ConformanceError, AssertionError)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("gausian", "Did you mean 'gaussian'? Known: bernoulli, gaussian."),
        ("BERNOULLI", "Did you mean 'bernoulli'? Known: bernoulli, gaussian."),
        ("poisson", "Known: bernoulli, gaussian."),
        ("", "Known: bernoulli, gaussian."),
    ],
)
def test_nearest(name, hint):
    assert nearest(name, ["gaussian", "bernoulli"]) == hint
