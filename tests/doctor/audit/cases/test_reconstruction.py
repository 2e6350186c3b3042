"""The truths of the reconstructions: units, reductions, additivity."""

import pytest
import torch

from tests.doctor.audit.cases.inputs import make_recon
from tests.doctor.audit.cases.proof import (
    B,
    a_r,
    both,
    close,
    features,
    has_law,
    inputs,
    of,
    total,
    twice,
    value,
)


@of(has_law)
def test_the_reconstruction_is_a_multiple_of_its_unit(c):
    x, first, second, mu, logvar = inputs(c)
    copies = [lambda t: t, twice(0)]
    if c["truth"]["feature_reduction"] is not None:
        copies.append(twice(1))
    for copy in copies:
        data, one, two = copy(x), both(copy, first), both(copy, second)
        q = (mu, logvar) if len(data) == B else (copy(mu), copy(logvar))
        got = value(c, data, one, *q) - value(c, data, two, *q)
        unit = c["extra"].get("unit", c["truth"]["family"])
        expected = float(total(data, one, unit) - total(data, two, unit))
        expected *= a_r(c, len(data), features(c, data.shape[1:]))
        tolerance = 1e-4 if c["id"] == "sdxl-vae-finetune" else 2e-6  # it casts to float32
        assert got == pytest.approx(expected, rel=tolerance, abs=1e-13)


@of(lambda c: not has_law(c))
def test_the_reconstruction_is_a_multiple_of_no_unit(c):
    x, first, second, mu, logvar = inputs(c, far=4.0)
    third = make_recon(c, x, torch.Generator().manual_seed(9))
    if c["recon_kind"] == "mean":
        third = x + 0.1 * (third - x)
    outputs = [first, second, third]
    losses = [value(c, x, r, mu, logvar) for r in outputs]
    units = ["squared_error", "absolute_error", "bce_logits", "categorical", "log_cosh"]
    if c["recon_kind"] == "prob":
        units += ["bce_prob", "continuous_bernoulli", "normalised probabilities"]
    if c["recon_kind"] == "mean+logvar":
        units = ["gaussian_nll"]
    for unit in units:
        sums = [float(total(x, r, unit)) for r in outputs]
        ratios = [(losses[i] - losses[2]) / (sums[i] - sums[2]) for i in (0, 1)]
        assert ratios[0] != pytest.approx(ratios[1], rel=1e-4), unit


@of(lambda c: c["truth"]["family"] == "linear_in_recon")
def test_a_linear_reconstruction_is_linear(c):
    x, first, second, mu, logvar = inputs(c)
    ends = [value(c, x, r, mu, logvar) for r in (first, second)]
    middle = value(c, x, 0.5 * (first + second), mu, logvar)
    assert middle == pytest.approx(sum(ends) / 2, rel=1e-12)
    assert ends[0] != pytest.approx(ends[1], rel=1e-6)


def half_of(dim):
    """Return a function that puts half of one output into another."""

    def mix(base, other):
        size = base.shape[dim] // 2
        rest = base.narrow(dim, size, base.shape[dim] - size)
        return torch.cat((other.narrow(dim, 0, size), rest), dim)

    return mix


@of(lambda c: True)
def test_the_reconstruction_adds_up_where_its_reductions_are_known(c):
    x, first, second, mu, logvar = inputs(c)
    axis = next(i for i in range(1, x.ndim) if x.shape[i] > 1)
    for dim, field in ((0, "batch_reduction"), (axis, "feature_reduction")):
        one, other = both(half_of(dim), first, second), both(half_of(dim), second, first)
        neither, a, b, all_of_it = (value(c, x, r, mu, logvar) for r in (first, one, other, second))
        parts = (a - neither) + (b - neither)
        tolerance = 1e-3 if c["id"] == "sdxl-vae-finetune" else 1e-9  # it casts to float32
        whole = pytest.approx(all_of_it - neither, rel=tolerance, abs=1e-13 * abs(neither))
        # a softmax over all features adds up over none of them
        assert (parts == whole) == (c["truth"][field] is not None)


@of(lambda c: not has_law(c))
def test_the_reductions_of_an_unknown_reconstruction(c):
    x, first, second, mu, logvar = inputs(c)
    change = value(c, x, first, mu, logvar) - value(c, x, second, mu, logvar)
    for dim, field in ((0, "batch_reduction"), (1, "feature_reduction")):
        if c["truth"][field] is None:
            continue
        copy = twice(dim)
        q = (mu, logvar) if dim else (copy(mu), copy(logvar))
        data, one, two = copy(x), both(copy, first), both(copy, second)
        got = value(c, data, one, *q) - value(c, data, two, *q)
        assert close(got, {"sum": 2, "mean": 1}[c["truth"][field]] * change)
