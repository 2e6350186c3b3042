"""The checker catches objectives that are negated, averaged or otherwise no nats per example."""

from dataclasses import dataclass

import pytest

from nelbo.objectives import Objective
from nelbo.testing import ConformanceError, check_objective


@dataclass(frozen=True)
class Right(Objective):
    """Somebody else's objective: the importance-weighted kind, with no closed KL."""

    belief = "one-sample bound"

    def __call__(self, terms):
        return terms.log_w.mean(0)


class Unaveraged(Right):
    def __call__(self, terms):
        return terms.log_w


class BatchMean(Right):
    def __call__(self, terms):
        return terms.log_w.mean()


class Negated(Right):
    """A loss in an objective's clothes."""

    def __call__(self, terms):
        return -terms.log_w.mean(0)


class PixelMean(Right):
    """The question's mistake, made in the objective."""

    def __call__(self, terms):
        return terms.log_px.mean(0) / terms.x[0].numel() - terms.kl_total


class AboveTheEvidence(Right):
    """No KL, and a constant that makes the numbers look better."""

    def __call__(self, terms):
        return terms.log_px.mean(0) + 1.0


class Misplaced(Right):
    def __call__(self, terms):
        return terms.log_w.mean(0) * terms.log_w.new_ones(terms.x.shape[0]).cumsum(0)


class Detached(Right):
    def __call__(self, terms):
        return terms.log_px.mean(0).detach() - terms.kl_total


class Infinite(Right):
    def __call__(self, terms):
        return terms.log_px.mean(0) - terms.kl_total / 0.0


def test_somebody_elses_right_objective_passes():
    check_objective(Right())


@pytest.mark.parametrize(
    ("wrong", "law", "numbers"),
    [
        (Unaveraged, r"shape \[batch\]", ("[5]", "[4, 5]")),
        (BatchMean, r"shape \[batch\]", ("[5]", "[]")),
        (Infinite, "finite values", ()),
        (Detached, "finite gradients", ()),
        (Misplaced, "a permuted batch gives permuted values", ()),
        (Negated, r"one nat more of log p\(x\|z\) is one nat more", ("expected 1 ", "got -1")),
        (PixelMean, r"one nat more of log p\(x\|z\) is one nat more", ("got 0.14285714",)),
        (AboveTheEvidence, r"at most log p\(x\) where the decoder ignores z", ("got 1",)),
    ],
)
def test_a_wrong_objective_is_caught_by_its_law(wrong, law, numbers):
    with pytest.raises(ConformanceError, match=f"^{wrong.__name__}, law '{law}': ") as caught:
        check_objective(wrong())
    for number in numbers:
        assert number in str(caught.value)
