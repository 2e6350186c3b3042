import pytest
import torch

import nelbo
from nelbo.errors import BadValue
from nelbo.objectives import MSSSIM
from nelbo.objectives.ms_ssim import WEIGHTS, ms_ssim
from nelbo.rng import seeded
from tests.objectives.digits import digits

pytorch_msssim = pytest.importorskip("pytorch_msssim")


@pytest.mark.parametrize("channels", [1, 3])
def test_it_is_the_published_codes_at_five_scales(channels):
    with seeded(0):
        x = torch.rand(3, channels, 176, 192, dtype=torch.float64)
        y = (x + 0.2 * torch.randn_like(x)).clamp(0, 1)
    expected = pytorch_msssim.ms_ssim(x, y, data_range=1.0, size_average=False)
    # the table's weights add up to 1.0001, and are scaled to 1 here
    torch.testing.assert_close(ms_ssim(x, y) ** sum(WEIGHTS), expected, rtol=1e-5, atol=0)


def test_one_scale_is_the_published_ssim():
    with seeded(0):
        x = torch.rand(3, 1, 16, 16, dtype=torch.float64)
        y = (x + 0.2 * torch.randn_like(x)).clamp(0, 1)
    expected = pytorch_msssim.ssim(x, y, data_range=1.0, size_average=False)
    torch.testing.assert_close(ms_ssim(x, y), expected, rtol=1e-5, atol=0)


def test_the_better_likeness_is_the_larger_number():
    with seeded(0):
        x = torch.rand(2, 1, 28, 28)
        noise = torch.randn_like(x)
    likeness = [float(ms_ssim(x, (x + s * noise).clamp(0, 1)).mean()) for s in (0, 0.05, 0.2, 1)]
    assert likeness == sorted(likeness, reverse=True)
    assert likeness[0] == pytest.approx(1.0)


def test_its_value_is_minus_the_weighted_unlikeness_less_the_kl():
    with seeded(0):
        x = torch.rand(4, 1, 28, 28)
        model = nelbo.VAE((1, 28, 28), 3, likelihood=nelbo.likelihoods.ContinuousBernoulli())
        terms = model.terms(x)
    alike = ms_ssim(x, terms.px.mean[0])
    torch.testing.assert_close(MSSSIM(weight=5.0)(terms), -5 * (1 - alike) - terms.kl_total)
    assert "no likelihood" in MSSSIM().belief


def test_it_trains_on_images():
    images, model = digits(300)
    run = nelbo.fit(model, images, objective=MSSSIM(), epochs=10, batch=50, callbacks=[])
    assert run.history[-1]["loss"] < 0.9 * run.history[0]["loss"]


def test_what_is_no_image_is_refused():
    with pytest.raises(BadValue, match="images .* of at least 11 x 11"):
        nelbo.fit(nelbo.VAE((12,), 3), torch.ones(20, 12), objective=MSSSIM(), callbacks=[])


def test_a_negative_weight_is_refused():
    with pytest.raises(BadValue, match="weight: expected"):
        MSSSIM(weight=-1.0)


def test_values_out_of_range_and_missing_ones_are_refused():
    likelihood = nelbo.likelihoods.Gaussian(variance=1.0)
    model = nelbo.VAE((1, 16, 16), 2, likelihood=likelihood)
    with pytest.raises(BadValue, match=r"values in \[0, 1\], got values from"):
        nelbo.fit(model, 3 * torch.ones(20, 1, 16, 16), objective=MSSSIM(), callbacks=[])
    model = nelbo.VAE((1, 16, 16), 2, likelihood=likelihood, missing=True)
    with pytest.raises(BadValue, match="missing entries under MSSSIM"):
        nelbo.fit(model, torch.ones(20, 1, 16, 16), objective=MSSSIM(), callbacks=[])
