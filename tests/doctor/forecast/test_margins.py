"""The forecast for MNIST and Fashion-MNIST: the measured values of THEORY.md."""

import pytest

from nelbo.data import Examples, load
from nelbo.data.fashion_mnist import DEBIAN, cache, read_fashion_mnist
from nelbo.doctor import forecast, moments
from nelbo.likelihoods import Bernoulli, ContinuousBernoulli, Gaussian


@pytest.fixture(scope="module")
def mnist():
    return moments(load("mnist").train)


@pytest.fixture(scope="module")
def fashion():
    if not any((folder / "train-images-idx3-ubyte.gz").exists() for folder in (cache(), DEBIAN)):
        pytest.skip("Fashion-MNIST is not on this machine")
    return moments(Examples(read_fashion_mnist().train))


def digits(value, figures):
    return float(f"{value:.{figures}g}")


def test_the_eigenvalues_of_mnist(mnist):
    """THEORY.md, section 2, to the digits given there."""
    top = [digits(value, 4) for value in mnist.spectrum()[:5]]
    assert top == [5.117, 3.741, 3.253, 2.842, 2.567]


MARGINS = [
    (Gaussian(variance=392.0), 3, 0.0131, 0.0505),
    (Gaussian(sigma="learned"), None, 76, 228),
    (Gaussian(sigma="optimal"), None, 76, 228),
    (Bernoulli(), 3, 32.2, 90.7),
    (ContinuousBernoulli(), 4, 1459, 1648),
]


@pytest.mark.parametrize(("likelihood", "figures", "margin", "_"), MARGINS)
def test_the_margins_of_mnist(mnist, likelihood, figures, margin, _):
    found = forecast(mnist, likelihood)
    assert digits(found.margin, figures or len(str(margin))) == margin
    assert found.verdict == ("collapses" if margin < 1 else "learns")
    assert found.critical_beta == found.eigenvalues[0]
    assert found.dimensions == sum(value > 1 for value in found.eigenvalues)


@pytest.mark.parametrize(("likelihood", "figures", "_", "margin"), MARGINS)
def test_the_margins_of_fashion_mnist(fashion, likelihood, figures, _, margin):
    assert digits(forecast(fashion, likelihood).margin, figures or len(str(margin))) == margin


def test_the_top_eigenvalue_of_fashion_mnist(fashion):
    assert digits(fashion.spectrum()[0], 4) == 19.81


def test_the_counts_of_theory(mnist):
    """sigma^2 = 392, 6, 4.5, 1, 0.5 -> 0, 0, 1, 12, 23 eigenvalues above it."""
    counts = [
        sum(value > 1 for value in forecast(mnist, Gaussian(variance=variance)).eigenvalues)
        for variance in (392.0, 6.0, 4.5, 1.0, 0.5)
    ]
    assert counts == [0, 0, 1, 12, 23]
