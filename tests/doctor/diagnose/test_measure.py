"""PCA's error against numpy's singular values, with more and with fewer examples than features."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from nelbo.data import Examples, Raw
from nelbo.doctor import moments
from nelbo.doctor.diagnose.measure import _pca_error


@pytest.mark.parametrize("shape", [(200, 12), (9, 12), (40, 2100)])
def test_what_pca_leaves(shape):
    x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    x[:, 0] *= 5
    found = _pca_error(torch.from_numpy(x), moments(Examples(x, transform=Raw())), 3)
    values = np.linalg.svd(x - x.mean(0), compute_uv=False) ** 2 / len(x)
    expected = [values[k:].sum() for k in (1, 2, 3)]
    assert_allclose(found.parts, expected, rtol=1e-4)
    assert_allclose(found.value, expected[-1], rtol=1e-4)
    assert found.standard_error > 0


def test_as_many_dimensions_as_features_leave_nothing():
    x = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
    found = _pca_error(torch.from_numpy(x), moments(Examples(x, transform=Raw())), 7)
    assert_allclose(found.value, 0, atol=1e-6)
