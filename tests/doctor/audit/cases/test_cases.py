"""What the cases imply and that they are well-formed."""

import pytest
import torch

from tests.doctor.audit.cases import CONTESTABLE, DETAILS, FURTHER, PUBLISHED
from tests.doctor.audit.cases.inputs import make_inputs
from tests.doctor.audit.cases.proof import a_k, a_r, both, close, features, has_law, name_of, of


@of(lambda c: True)
def test_the_implied_weights(c):
    t, batch = c["truth"], c["batch"]
    family, form = t["family"], t["kl_form"]
    if not has_law(c) or form == "absent" or (t["kl_constant"] is None and "twice" not in c["id"]):
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


@pytest.mark.parametrize("c", FURTHER, ids=name_of)
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
    assert len({c["id"] for c in PUBLISHED + FURTHER}) == len(PUBLISHED) + len(FURTHER)
    assert len(FURTHER) >= 70


def test_what_is_contestable_is_an_answer():
    cases = {c["id"]: c for c in FURTHER + DETAILS}
    for name, fields in CONTESTABLE.items():
        assert set(fields) <= set(cases[name]["truth"]), name
        assert all(fields.values())
