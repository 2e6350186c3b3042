"""Data and covariates side by side: what a conditional model trains on."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from jaxtyping import Shaped
from torch import Tensor

from nelbo.data.arrays import as_labels, in_memory
from nelbo.errors import BadValue

UNKNOWN = -1  # the label of an example that has none


def beside(x: Any, y: Any, classes: int | None = None) -> Shaped[Tensor, " n row"]:
    """Return examples as rows [data, covariates], for a model with `covariates`.

    Class numbers become one-hot; beside bytes they stay bytes (0 and 255, which are read as 0
    and 1). An example without a label (-1) has NaN in their place, for semi-supervised models.

    Args:
        x: data, [n, *data_shape].
        y: class numbers, [n] integers, or covariates, [n, covariates].
        classes: how many there are, where `y` are class numbers; by default as many as are seen.

    Raises:
        TypeError: not numeric arrays.
        ValueError: another number of examples, or class numbers out of range.

    Example:
        >>> beside(torch.zeros(2, 1, 2, 2), [1, 0]).tolist()
        [[0.0, 0.0, 0.0, 0.0, 0.0, 1.0], [0.0, 0.0, 0.0, 0.0, 1.0, 0.0]]
    """
    data = in_memory(x)
    given = y if isinstance(y, Tensor) else torch.from_numpy(np.asarray(y))
    if given.dim() == 1:
        covariates = one_hot(as_labels(given, len(data)), classes)
    else:
        covariates = in_memory(given, "covariates")
    if len(covariates) != len(data):
        raise BadValue(
            "covariates",
            expected=f"{len(data)} rows, one for each example",
            got=len(covariates),
            fix="Check that both arrays are of the same examples.",
        )
    return _joined(data.flatten(1), covariates.flatten(1))


def one_hot(labels: Tensor, classes: int | None = None) -> Tensor:
    """Return class numbers as [n, classes] of 0 and 1; NaN for the label -1."""
    count = int(labels.max()) + 1 if classes is None else classes
    low, high = int(labels.min()), int(labels.max())
    if low < UNKNOWN or high >= count or count < 2:
        raise BadValue(
            "labels",
            expected=f"class numbers from 0 to {max(1, count - 1)}, or -1 where unknown",
            got=f"{low} to {high}",
            fix="Pass classes=..., or number the classes from 0.",
        )
    rows = torch.nn.functional.one_hot(labels.clamp_min(0), count).float()
    rows[labels == UNKNOWN] = math.nan
    return rows


def _joined(x: Tensor, y: Tensor) -> Tensor:
    """Return both as bytes where x is bytes and y is 0 or 1, else as floats of the same scale."""
    if x.dtype == torch.uint8 and bool(((y == 0) | (y == 1)).all()):
        return torch.cat((x, (255 * y).to(torch.uint8)), dim=1)
    x = x.float() / 255 if x.dtype == torch.uint8 else x.float()
    return torch.cat((x, y.float()), dim=1)
