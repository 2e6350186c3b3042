"""The picture of a forecast."""

import io

import numpy as np
import pytest
from PIL import Image

from nelbo.doctor import forecast
from nelbo.errors import BadValue
from nelbo.likelihoods import Bernoulli, Gaussian
from nelbo.report import forecast as picture


def data():
    return np.random.default_rng(0).random((300, 1)).astype(np.float32) * np.ones(6, np.float32)


@pytest.mark.parametrize("likelihood", [Gaussian(variance=9.0), Gaussian(), Bernoulli()])
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_it_is_a_picture(tmp_path, likelihood, lang):
    picture.write(forecast(data(), likelihood), tmp_path / "forecast.png", lang)
    image = Image.open(io.BytesIO((tmp_path / "forecast.png").read_bytes()))
    assert image.size[0] == 1600
    assert len(image.convert("RGB").getcolors(2**20)) > 3


def test_data_that_does_not_vary_has_none(tmp_path):
    flat = forecast(np.full((30, 3), 0.25, np.float32), Gaussian(variance=1.0))
    with pytest.raises(BadValue, match="data that varies"):
        picture.write(flat, tmp_path / "forecast.png")
