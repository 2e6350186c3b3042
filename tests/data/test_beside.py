import numpy as np
import pytest
import torch

from nelbo.data import as_source, beside
from nelbo.errors import BadValue


def test_bytes_stay_bytes_and_are_read_as_zero_and_one():
    images = np.full((3, 1, 2, 2), 51, np.uint8)
    rows = beside(images, np.array([2, 0, 1]))
    assert rows.dtype == torch.uint8
    (x,) = as_source(rows).epoch(3)
    assert torch.equal(x[:, 4:], torch.tensor([[0.0, 0, 1], [1, 0, 0], [0, 1, 0]]))
    torch.testing.assert_close(x[:, :4], torch.full((3, 4), 0.2))


def test_unknown_labels_are_missing():
    rows = beside(np.zeros((2, 3), np.uint8), np.array([-1, 1]), classes=2)
    assert rows[0, 3:].isnan().all()
    assert rows[1, 3:].tolist() == [0.0, 1.0]


def test_covariates_that_are_numbers_are_taken_as_they_are():
    rows = beside(torch.ones(2, 2), torch.tensor([[0.5], [70.0]]))
    assert rows.tolist() == [[1.0, 1.0, 0.5], [1.0, 1.0, 70.0]]


@pytest.mark.parametrize(
    ("y", "classes"), [([0, 1], None), ([0, 1, 5], 3), ([0, 0, 0], None), ([-2, 0, 1], 2)]
)
def test_labels_that_do_not_fit_are_refused(y, classes):
    with pytest.raises(BadValue, match=r"(labels|covariates): expected"):
        beside(torch.ones(3, 2), np.array(y), classes)


def test_another_number_of_covariates_is_refused():
    with pytest.raises(BadValue, match="3 rows, one for each example"):
        beside(torch.ones(3, 2), torch.ones(2, 4))
