"""A small part of MNIST, and the comparison on it."""

import dataclasses

import pytest

import nelbo
from nelbo.compare import Settings, compare
from nelbo.data import load

QUICK = Settings(latent=3, network=nelbo.networks.MLP(hidden=(32,)), epochs=1)


def quiet(loss):
    return []


@pytest.fixture(scope="session")
def mnist():
    """600 training and 200 test images."""
    data = load("mnist")
    train, test = data.train.take(range(600)), data.test.take(range(200))
    return dataclasses.replace(data, train=train, test=test)


@pytest.fixture(scope="session")
def compared(mnist):
    return compare(mnist, QUICK, watch=quiet)


@pytest.fixture(name="quick")
def _quick():
    return QUICK


@pytest.fixture(name="quiet")
def _quiet():
    return quiet
