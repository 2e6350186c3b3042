"""The truths of the loss cases, proven by torch.distributions, duplication and finite changes."""

import math

import numpy as np
import pytest
import torch
import torch.distributions as td
import torch.nn.functional as F

from tests.doctor.audit.loss_cases import CASES as FIRST
from tests.doctor.audit.loss_cases import log_c, make_inputs, make_recon
from tests.doctor.audit.loss_cases_more import CASES as MORE
from tests.doctor.audit.loss_cases_more import CONTESTABLE, EXTRAS
from tests.doctor.audit.loss_cases_third import CASES as THIRD
from tests.doctor.audit.numpy_cases import BAD_LOSSES, NUMPY_CASES

CLOSED = [c for c in THIRD if c["truth"]["kl_form"] == "closed"]
# recon_law: no multiple of a unit at this data, as a function of the whole batch is none
CASES = {c["id"]: c for c in FIRST + MORE + CLOSED if "recon_law" not in c["skip"]}
CASES |= {c["id"]: {**c, "loss": c["twin"]} for c in NUMPY_CASES}
B = 6  # few examples suffice: what depends on the batch size is in the claimed reductions
RANDOM = {"mmd-only", "log-ratio-through-kl-div"}


def total(x, recon, unit):
    """Return the canonical unit of a family, summed over examples and features."""
    if unit == "gaussian_nll":
        mean, logvar = recon
        return -td.Normal(mean, (0.5 * logvar).exp()).log_prob(x).sum()
    if isinstance(recon, tuple):
        return None
    return {
        "squared_error": lambda: (x - recon).square().sum(),
        "absolute_error": lambda: (x - recon).abs().sum(),
        # not by td.Bernoulli: targets outside {0, 1}
        "bce_prob": lambda: -(torch.xlogy(x, recon) + torch.xlogy(1 - x, 1 - recon)).sum(),
        "bce_logits": lambda: -(x * F.logsigmoid(recon) + (1 - x) * F.logsigmoid(-recon)).sum(),
        "continuous_bernoulli": lambda: (
            -(torch.xlogy(x, recon) + torch.xlogy(1 - x, 1 - recon) + log_c(recon)).sum()
        ),
        "categorical": lambda: -(x * torch.log_softmax(recon, -1)).sum(),
        "normalised probabilities": lambda: (
            -(x * torch.log(recon / recon.sum(-1, keepdim=True))).sum()
        ),
        "log_cosh": lambda: torch.log(torch.cosh(x - recon)).sum(),
    }[unit]()


def kl(mu, logvar):
    return td.kl_divergence(td.Normal(mu, (0.5 * logvar).exp()), td.Normal(0.0, 1.0))


def scale(constant, reductions, sizes):
    """Return a_R or a_K: a constant and its claimed reductions."""
    for reduction, size in zip(reductions, sizes, strict=True):
        constant = constant * {"mean": 1 / size, "sum_times_batch": size}.get(reduction, 1)
    return constant


def a_r(c, batch, features):
    t = c["truth"]
    reductions = (t["batch_reduction"], t["feature_reduction"])
    return scale(t["recon_constant"], reductions, (batch, features))


def a_k(c, batch, latents):
    t = c["truth"]
    if c["id"] == "batch-divided-twice":
        return 1 / batch**2
    reductions = (t["kl_batch_reduction"], t["kl_latent_reduction"])
    return scale(t["kl_constant"], reductions, (batch, latents))


def features(c, shape):
    return math.prod(shape[:-1] if c["truth"]["family"] == "categorical" else shape)


def value(c, x, recon, mu, logvar):
    """Return the loss with the same noise every time."""
    torch.manual_seed(5)
    return float(c["loss"](x, recon, mu, logvar))


def both(function, *recons):
    """Apply a function to outputs that may be pairs."""
    if isinstance(recons[0], tuple):
        return tuple(function(*parts) for parts in zip(*recons, strict=True))
    return function(*recons)


def twice(dim):
    return lambda t: torch.cat((t, t), dim)


def inputs(c, far=1.0):
    """Return data, two outputs for it, and the latents."""
    x, first, mu, logvar = make_inputs(c, seed=3, batch=B)
    second = make_recon(c, x, torch.Generator().manual_seed(4))
    if c["recon_kind"] == "mean":
        first, second = (x + far * (r - x) for r in (first, second))
    return x, first, second, mu, logvar


def close(got, expected, against=1.0):
    return got == pytest.approx(expected, rel=2e-6, abs=1e-13 * abs(against))


def of(condition):
    return pytest.mark.parametrize("c", [c for c in CASES.values() if condition(c)], ids=_id)


def _id(c):
    return c["id"]


def _form(*forms):
    return lambda c: c["truth"]["kl_form"] in forms


# ---- reconstruction ------------------------------------------------------------------------------


def _has_law(c):
    return c["truth"]["recon_constant"] is not None


@of(_has_law)
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


@of(lambda c: not _has_law(c))
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


@of(lambda c: not _has_law(c))
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


# ---- KL ------------------------------------------------------------------------------------------


def regulariser(c, mu, logvar):
    """Return what the truth says of the terms that depend on q."""
    size = a_k(c, *mu.shape) if c["truth"]["kl_constant"] or "twice" in c["id"] else None
    form, threshold, each = c["truth"]["kl_form"], c["truth"]["kl_threshold"], kl(mu, logvar)
    if form in ("closed", "mc"):
        return size * each.sum()
    if form == "extra":
        torch.manual_seed(5)
        return size * each.sum() + EXTRAS[c["id"]](mu, logvar)
    clamp = c["extra"].get("clamp", "example" if form == "free_bits" else "batch")
    held, weight = {
        "latent": lambda: (each, size),
        "latent_batch_mean": lambda: (each.mean(0), size * len(mu)),
        "example": lambda: (each.sum(1), size),
        "batch": lambda: (each.sum(1).mean(), size and size * len(mu)),
    }[clamp]()
    if form == "free_bits":
        if c["extra"].get("mask"):
            return weight * torch.where(held > threshold, held, 0.0).sum()
        return weight * held.clamp(min=threshold).sum()
    power = c["extra"].get("power", 1)
    return c["extra"].get("gamma", weight) * ((held - threshold).abs() ** power).sum()


@of(_form("closed", "extra", "free_bits", "capacity"))
def test_the_kl_is_what_it_is_said_to_be(c):
    x, recon, _, mu, logvar = inputs(c)
    recon2, x2 = both(twice(0), recon), twice(0)(x)
    for strength in (1.0, 0.05, 3.0):
        q, p = (strength * mu, strength * logvar), (mu.flip(1).abs() + 0.4, -0.5 * logvar)
        got = value(c, x, recon, *q) - value(c, x, recon, *p)
        expected = float(regulariser(c, *q) - regulariser(c, *p))
        here = value(c, x, recon, *q)
        assert close(got, expected, here)
        for copy, data, output in ((twice(0), x2, recon2), (twice(1), x, recon)):
            one, two = map(copy, q), map(copy, p)
            one, two = tuple(one), tuple(two)
            got = value(c, data, output, *one) - value(c, data, output, *two)
            expected = float(regulariser(c, *one) - regulariser(c, *two))
            assert close(got, expected, here)


@of(_form("mc"))
def test_the_sampled_kl_is_so_on_average(c):
    x, recon, _, mu, logvar = inputs(c)
    for copy in (lambda t: t, twice(0), twice(1)):
        data, output = (twice(0)(x), both(twice(0), recon)) if len(copy(mu)) > B else (x, recon)
        q, p = (copy(mu), copy(logvar)), (torch.zeros_like(copy(mu)),) * 2
        torch.manual_seed(0)
        draws = torch.stack([c["loss"](data, output, *q) for _ in range(1000)])
        at_prior = c["loss"](data, output, *p)  # there the log ratio of every sample is 0
        error = draws.std() / math.sqrt(len(draws))
        expected = float(regulariser(c, *q))
        if c["id"] == "mc-analytic-entropy":  # there only its mean is
            more = torch.stack([c["loss"](data, output, *p) for _ in range(1000)])
            at_prior, error = more.mean(), torch.hypot(error, more.std() / math.sqrt(1000))
        assert draws.std() > 0
        assert error < 0.05 * abs(expected)
        assert abs(draws.mean() - at_prior - expected) < 4 * error


def _q_part(c, mu, logvar):
    """Return the loss as a function of q, less its value at the prior."""
    x, recon, _, _, _ = inputs(c)
    if len(mu) > B:
        x, recon = twice(0)(x), both(twice(0), recon)
    zero = torch.zeros_like(mu)
    return value(c, x, recon, mu, logvar) - value(c, x, recon, zero, zero)


def _wrong(c):
    return c["truth"]["kl_form"] == "wrong" and c["id"] not in RANDOM


@of(_wrong)
def test_a_wrong_kl_is_no_multiple_of_the_kl(c):
    _, _, _, mu, logvar = inputs(c)
    ratios = [
        _q_part(c, s * mu, t * logvar) / float(kl(s * mu, t * logvar).sum())
        for s, t in ((1.0, 0.3), (0.2, 2.0), (0.5, -1.5))
    ]
    assert max(ratios) - min(ratios) > 0.02 * abs(ratios[0])


@of(_wrong)
def test_the_means_in_a_wrong_kl(c):
    _, _, _, mu, logvar = inputs(c)
    ratios = []
    for copy in (lambda t: t, twice(0), twice(1)):
        for strength in (1.0, 2.0):
            m, v = copy(strength * mu), copy(logvar)
            change = _q_part(c, m, v) - _q_part(c, 0 * m, v)
            ratios.append(change / float(m.square().sum() / 2))
            if c["truth"]["kl_constant"] is not None:
                assert close(ratios[-1], a_k(c, *m.shape))
    if c["truth"]["kl_constant"] is None:
        assert ratios[0] != pytest.approx(ratios[1], rel=0.02) or c["id"] == "reversed-kl"
        claimed = c["truth"]["kl_batch_reduction"], c["truth"]["kl_latent_reduction"]
        changes = [ratio / ratios[0] for ratio in (ratios[2], ratios[4])]
        assert changes == pytest.approx([{"sum": 1, "mean": 0.5}[r] for r in claimed])


@of(_wrong)
def test_the_variances_in_a_wrong_kl(c):
    _, _, _, mu, _ = inputs(c)
    zero = torch.zeros_like(mu)

    def at(logvar):
        return _q_part(c, zero, zero + logvar)

    best = c["truth"]["kl_var_argmin"]
    if best is None:
        steps = [at(0.5 * i + 0.5) - at(0.5 * i) for i in range(-12, 12)]
        assert min(steps) > 0 or max(abs(s) for s in steps) < 1e-9 * (1 + abs(at(1.0)))
        assert c["truth"]["kl_var_note"]
    else:
        assert (at(best + 1e-4) - at(best - 1e-4)) / 2e-4 == pytest.approx(0, abs=1e-5)
        assert all(at(best + away) > at(best) for away in (-2, -0.5, 0.5, 2))


def test_a_reversed_kl_weighs_the_means_by_the_precision():
    c = CASES["reversed-kl"]
    _, _, _, mu, _ = inputs(c)
    for logvar in (-1.0, 0.0, 1.0):
        v = torch.full_like(mu, logvar)
        got = (_q_part(c, mu, v) - _q_part(c, 0 * mu, v)) / float(mu.square().sum() / 2)
        assert close(got, math.exp(-logvar) / B)


def test_the_samples_weighed_by_their_density():
    c = CASES["log-ratio-through-kl-div"]
    x, recon, _, mu, logvar = inputs(c)
    grid = torch.linspace(-12, 12, 4001, dtype=torch.float64)
    q = td.Normal(mu[..., None], (0.5 * logvar)[..., None].exp())
    weighed = 2 * q.log_prob(grid)
    ratio = q.log_prob(grid) - td.Normal(0.0, 1.0).log_prob(grid)
    each = (weighed.exp() * ratio).sum(-1) * (grid[1] - grid[0])
    torch.manual_seed(0)
    draws = torch.stack([c["loss"](x, recon, mu, logvar) for _ in range(400)])
    got = draws.mean() - total(x, recon, "bce_prob")
    error = draws.std() / 20
    assert error < 0.05 * each.sum() / B
    assert abs(got - each.sum() / B) < 4 * error


def test_an_mmd_knows_no_single_example():
    c = CASES["mmd-only"]
    x, recon, _, mu, logvar = inputs(c)
    alone = [value(c, x, recon, m, logvar) for m in (mu, mu.flip(0))]
    assert alone[0] != pytest.approx(alone[1], rel=1e-6)  # though every KL is the same
    assert value(c, x, recon, 0 * mu + 3, logvar) > alone[0]


@of(_form("absent"))
def test_where_no_kl_trains(c):
    x, recon, _, mu, logvar = inputs(c)
    q = [t.clone().requires_grad_() for t in (mu, logvar)]
    loss = c["loss"](x, recon.clone().requires_grad_(), *q)
    gradients = torch.autograd.grad(loss, q, allow_unused=True)
    assert all(g is None or not g.any() for g in gradients)
    changed = value(c, x, recon, 2 * mu, logvar) != value(c, x, recon, mu, logvar)
    assert changed == bool(c["extra"].get("detached"))
    if changed:
        got = value(c, x, recon, 2 * mu, logvar) - value(c, x, recon, mu, logvar)
        assert close(got, float(kl(2 * mu, logvar).sum() - kl(mu, logvar).sum()) / B)


@of(lambda c: c["truth"]["kl_value_offset"] is not None)
def test_the_offset_of_a_kl(c):
    x, recon, _, mu, _ = inputs(c)
    zero = torch.zeros_like(mu)
    t = c["truth"]
    rest = float(total(x, recon, t["family"])) * a_r(c, B, features(c, x.shape[1:]))
    got = (value(c, x, recon, zero, zero) - rest) / (a_k(c, *mu.shape) * B)
    assert close(got, t["kl_value_offset"])


# ---- weights -------------------------------------------------------------------------------------


@of(lambda c: True)
def test_the_implied_weights(c):
    t, batch = c["truth"], c["batch"]
    family, form = t["family"], t["kl_form"]
    if not _has_law(c) or form == "absent" or (t["kl_constant"] is None and "twice" not in c["id"]):
        assert t["implied_sigma2"] is t["implied_laplace_b"] is t["kl_mu_coefficient"] is None
        assert t["kl_coefficient_per_example"] is None
        return
    ratio = a_k(c, batch, c["n_latent"]) / a_r(c, batch, features(c, c["data_shape"]))
    if family == "squared_error":
        ratio /= 2
    if form == "wrong":
        assert t["kl_coefficient_per_example"] is t["implied_sigma2"] is None
        assert close(t["kl_mu_coefficient"], ratio)
        return
    no_likelihood = (
        (family.startswith("bce") and c["target_kind"] in ("byte", "pm1", "normalised"))
        or c["id"] in ("softmax-twice", "double-sigmoid")
        or family == "log_cosh"
    )
    if no_likelihood:
        assert t["kl_coefficient_per_example"] is None
    else:
        assert close(t["kl_coefficient_per_example"], ratio)
    if family == "squared_error" and ratio > 0:
        assert close(t["implied_sigma2"], ratio)
    else:
        assert t["implied_sigma2"] is None
    if family == "absolute_error":
        assert close(t["implied_laplace_b"], ratio)
    else:
        assert t["implied_laplace_b"] is None


# ---- the cases themselves ------------------------------------------------------------------------


@pytest.mark.parametrize("c", MORE, ids=_id)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_a_case_is_a_scalar_of_any_batch(c, dtype):
    for batch in (2, 7):
        x, recon, mu, logvar = make_inputs(c, batch=batch)
        recon = both(lambda t: t.to(dtype), recon)
        loss = c["loss"](x.to(dtype), recon, mu.to(dtype), logvar.to(dtype))
        assert loss.shape == ()
        assert loss.dtype == dtype
        assert loss.isfinite()


def test_the_cases_do_not_repeat_each_other():
    assert len({c["id"] for c in FIRST + MORE}) == len(FIRST) + len(MORE)
    assert len(MORE) >= 70


def test_what_is_contestable_is_an_answer():
    cases = {c["id"]: c for c in MORE}
    for name, fields in CONTESTABLE.items():
        assert set(fields) <= set(cases[name]["truth"]), name
        assert all(fields.values())


# ---- NumPy ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("c", NUMPY_CASES, ids=_id)
def test_a_numpy_loss_says_what_its_twin_says(c):
    for batch in (2, 7):
        x, recon, mu, logvar = make_inputs(c, batch=batch)
        if c["random"] or c["truth"]["kl_form"] == "mc":
            mu, logvar = torch.zeros_like(mu), torch.zeros_like(logvar)  # there no noise matters
        dtype = getattr(torch, c["dtype"])
        recon = both(lambda t, to=dtype: t.to(to), recon)
        arguments = (x.to(dtype), recon, mu.to(dtype), logvar.to(dtype))
        arrays = [both(lambda t: t.numpy().copy(), t) for t in arguments]
        copies = [both(np.copy, t) for t in arrays]
        got = c["loss"](*arrays)
        expected = float(c["twin"](x, both(lambda t: t.double(), recon), mu, logvar))
        assert np.asarray(got).item() == pytest.approx(expected, rel=1e-5)
        assert np.asarray(got).dtype == c["dtype"]
        for array, copy in zip(arrays, copies, strict=True):
            np.testing.assert_array_equal(array, copy)


@pytest.mark.parametrize("c", [c for c in NUMPY_CASES if c["truth"]["kl_form"] == "mc"], ids=_id)
def test_a_sampled_numpy_kl_is_so_on_average(c):
    x, recon, mu, logvar = (t.numpy() for t in make_inputs(c, batch=1000, seed=2))
    draws = np.array([c["loss"](x, recon, mu, logvar) for _ in range(50)])
    rest = c["loss"](x, recon, 0 * mu, 0 * logvar)
    expected = a_k(c, *mu.shape) * float(kl(torch.tensor(mu), torch.tensor(logvar)).sum())
    assert draws.mean() - rest == pytest.approx(expected, rel=0.1)
    assert (draws.std() > 0) == c["random"]


def test_numpy_cases_and_bad_losses_have_names_of_their_own():
    for cases in ([c["id"] for c in NUMPY_CASES], [bad.id for bad in BAD_LOSSES]):
        assert len(set(cases)) == len(cases) > 10
    assert all(bad.expected for bad in BAD_LOSSES)


@pytest.mark.parametrize("bad", BAD_LOSSES, ids=lambda bad: bad.id)
def test_a_bad_loss_can_be_called_or_raises_at_once(bad):
    c = next(c for c in NUMPY_CASES if c["id"] == "np-zero-dimensional")
    arguments = [t.clone() for t in make_inputs(c, batch=32)]
    if bad.arrays == "numpy":
        arguments = [t.numpy() for t in arguments]
    if bad.id in ("raises", "three-arguments", "five-arguments"):
        with pytest.raises(ValueError if bad.id == "raises" else TypeError):
            bad.loss(*arguments)
    else:
        bad.loss(*arguments)


def test_some_bad_losses_overwrite_what_they_are_given():
    c = next(c for c in NUMPY_CASES if c["id"] == "np-zero-dimensional")
    for name, which in (("overwrites-logvar", 3), ("overwrites-recon", 1)):
        arguments = [t.clone() for t in make_inputs(c, batch=32)]
        before = arguments[which].clone()
        next(bad for bad in BAD_LOSSES if bad.id == name).loss(*arguments)
        assert not torch.equal(arguments[which], before)
