import numpy as np
import pytest
import torch

from nelbo.data.arrays import in_memory
from nelbo.errors import BadType, BadValue


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.bool_])
def test_memory_is_shared(dtype):
    array = np.zeros((3, 2), dtype=dtype)
    tensor = in_memory(array)
    array[0, 0] = 1
    assert tensor[0, 0] == 1
    assert in_memory(tensor).data_ptr() == tensor.data_ptr()


def test_read_only_memory_is_taken_without_warning():
    array = np.frombuffer(bytes(6), dtype=np.uint8).reshape(3, 2)
    assert in_memory(array).shape == (3, 2)


@pytest.mark.parametrize(
    ("values", "dtype", "kept"),
    [
        ([[0.5, 1e9]], np.float64, torch.float32),
        ([[0.5, 2]], np.float16, torch.float32),
        ([[0.5, 2]], np.longdouble, torch.float32),
        ([[0.5, 2]], ">f8", torch.float32),
        ([[0.5, 2]], ">f4", torch.float32),
    ],
)
def test_dtypes(values, dtype, kept):
    tensor = in_memory(np.array(values, dtype=dtype))
    assert tensor.dtype == kept
    assert tensor.tolist() == values


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.uint8])
def test_tensors(dtype):
    tensor = torch.tensor([[1, 2]], dtype=dtype, requires_grad=dtype.is_floating_point)
    assert in_memory(tensor).tolist() == [[1, 2]]
    assert not in_memory(tensor).requires_grad


@pytest.mark.parametrize("dtype", [np.int64, np.int16, np.uint16])
def test_integers_that_may_be_pixels_or_counts_are_refused(dtype, one_line):
    with pytest.raises(BadValue) as error:
        in_memory(np.array([[0, 9]], dtype=dtype))
    assert "astype('uint8')" in one_line(error)


def test_views():
    array = np.random.default_rng(0).random((4, 6)).astype(np.float32)
    for view in (array[::-1], array.T, array[:, ::2], np.asfortranarray(array)):
        np.testing.assert_array_equal(in_memory(view).numpy(), view)


@pytest.mark.parametrize(
    ("array", "says"),
    [
        (np.zeros(5), r"shape \[5\].*reshape"),
        (np.zeros(()), "at least two axes"),
        (np.zeros((0, 3)), "at least one example"),
        (np.zeros((3, 0)), "at least one example"),
    ],
)
def test_shapes_refused(array, says):
    with pytest.raises(BadValue, match=says):
        in_memory(array)


@pytest.mark.parametrize(
    "value", [np.array([["a"]]), np.array([[None]]), np.array([[1j]]), [[1, 2]], "x", None]
)
def test_types_refused(value, one_line):
    with pytest.raises(BadType) as error:
        in_memory(value)
    one_line(error)


def test_bad_values_are_placed_and_counted(one_line):
    array = np.zeros((7000, 1, 28, 28), dtype=np.float32)  # more than one chunk
    array[0] = np.nan  # missing: the model's affair
    array[6500, 0, 3, 4] = -np.inf
    array[6999, 0, 0, 0] = np.inf
    with pytest.raises(BadValue) as error:
        in_memory(array)
    assert "got -inf in example 6500, feature (0, 3, 4) (2 such values in all)" in one_line(error)


def test_float64_beyond_float32_is_refused():
    with pytest.raises(BadValue, match=r"inf in example 1, feature 0 \(1 such value in all\)"):
        in_memory(np.array([[1.0], [1e300]]))
