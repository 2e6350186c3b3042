"""Schedules: their ends, their bounds, and refusals whose advice works."""

import re
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from nelbo.errors import BadValue
from nelbo.objectives import ELBO, Constant, Cyclical, Linear

VALUES = st.floats(0, 100)
STEPS = st.integers(1, 10_000)


@given(VALUES, STEPS)
def test_constant_is_constant_and_fits_any_run(value, step):
    assert Constant(value)(step) == value
    Constant(value).check(1)


@given(STEPS, VALUES, VALUES, STEPS)
def test_linear_starts_and_ends_exactly_and_stays_between(steps, start, end, step):
    schedule = Linear(steps, start, end)
    assert schedule(0) == start
    assert schedule(steps) == schedule(steps + step) == end
    slack = 1e-12 * (start + end)
    assert min(start, end) - slack <= schedule(step) <= max(start, end) + slack


@given(STEPS, st.integers(0, 10_000))
def test_linear_never_falls_on_its_way_up(steps, step):
    schedule = Linear(steps)
    assert schedule(step) <= schedule(step + 1)


@given(STEPS, STEPS)
def test_linear_refuses_a_run_that_ends_before_its_end_and_advises_one_that_does_not(steps, run):
    schedule = Linear(steps)
    if steps <= run:
        schedule.check(run)
        assert schedule(run) == 1.0
    else:
        with pytest.raises(BadValue, match=f"got {steps} steps, so that it ends at") as caught:
            schedule.check(run)
        replace(schedule, steps=advised(caught.value)).check(run)


@given(STEPS, st.floats(0.01, 1), VALUES, VALUES, st.integers(0, 100_000))
def test_cyclical_repeats_starts_exactly_and_stays_between(steps, rise, start, end, step):
    schedule = Cyclical(steps, rise, start, end)
    assert schedule(0) == schedule(7 * steps) == start
    assert schedule(step) == schedule(step + steps)
    slack = 1e-12 * (start + end)
    assert min(start, end) - slack <= schedule(step) <= max(start, end) + slack


@given(st.integers(1, 60), st.floats(0.01, 1), VALUES, VALUES, st.integers(1, 60))
def test_cyclical_refuses_a_run_that_ends_in_a_rise_with_advice_that_works(
    steps, rise, start, end, run
):
    assume(start != end)
    schedule = Cyclical(steps, rise, start, end)
    try:
        schedule.check(run)
    except BadValue as error:
        if (length := advised(error)) is not None:
            replace(schedule, steps=length).check(run)
        else:  # no length fits: every cycle of at most `run` steps would end in its rise
            for length in range(1, run + 1):
                with pytest.raises(BadValue):
                    replace(schedule, steps=length).check(run)
    else:
        assert schedule(run - 1) == end


def advised(error):
    found = re.search(r"steps=(\d+)", error.fix)
    return int(found[1]) if found else None


@pytest.mark.parametrize("kind", [Linear, Cyclical])
@pytest.mark.parametrize("steps", [0, -3])
def test_a_schedule_takes_at_least_one_step(kind, steps):
    with pytest.raises(BadValue, match="schedule: expected steps of at least 1, got"):
        kind(steps)


@pytest.mark.parametrize("rise", [0.0, -0.5, 1.5, float("nan")])
def test_a_rise_is_a_fraction(rise):
    with pytest.raises(BadValue, match=r"rise: expected a fraction in \(0, 1\]"):
        Cyclical(10, rise)


def test_an_objective_checks_and_takes_its_schedules():
    objective = ELBO(beta=Linear(steps=10))
    with pytest.raises(BadValue, match="warm-up: expected at most the run's 9 steps, got 10"):
        objective.check(9)
    objective.check(10)
    assert objective.at(5) == ELBO(beta=0.5)
    assert ELBO(beta=2.0).at(5) == ELBO(beta=2.0)
