"""The NumPy losses against torch, and what is wrong to call."""

import numpy as np
import pytest
import torch

from tests.doctor.audit.cases.bad_losses import BAD_LOSSES
from tests.doctor.audit.cases.inputs import make_inputs
from tests.doctor.audit.cases.numpy_losses import NUMPY_CASES
from tests.doctor.audit.cases.proof import a_k, both, kl, name_of


@pytest.mark.parametrize("c", NUMPY_CASES, ids=name_of)
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


@pytest.mark.parametrize(
    "c", [c for c in NUMPY_CASES if c["truth"]["kl_form"] == "mc"], ids=name_of
)
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
