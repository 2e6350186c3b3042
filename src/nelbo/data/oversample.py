"""Oversampling: few labelled examples, as large a part of every batch as is wanted."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor

from nelbo.checks import within
from nelbo.data.arrays import as_labels
from nelbo.data.beside import UNKNOWN
from nelbo.errors import BadValue


# r copies of each of L labelled examples beside U others: r L / (r L + U) = share
def oversample(labels: Any, share: float = 0.5) -> Int64[Tensor, " rows"]:
    """Return numbers of examples, of which those with a label are about `share`.

    Every example without one is there once, and those with one equally often. Of 100 labels among
    10,000 examples a batch of 100 would have one; what it learns of the others drowns it.

    Source: Kingma, Rezende, Mohamed & Welling 2014, Semi-supervised learning with deep generative
    models, section 4, whose batches hold labelled and unlabelled examples in a chosen ratio.

    Args:
        labels: class numbers, [n], -1 where there is none.
        share: of the labelled ones, in (0, 1); where they are more already, nothing is repeated.

    Raises:
        ValueError: a share out of range, or no label at all.

    Example:
        >>> index = oversample([-1, 2, -1, -1, 0, -1], share=0.5)
        >>> index.tolist()
        [0, 1, 2, 3, 4, 5, 1, 4]

    """
    within("share", share, "(0, 1)", fix="Try 0.5.")
    found = as_labels(labels, len(labels) if np.ndim(labels) else 1)
    known = found != UNKNOWN
    labelled, others = known.nonzero()[:, 0], int((~known).sum())
    if not len(labelled):
        expected, fix = "at least one example with a label", "-1 is the label of those without."
        raise BadValue("labels", expected=expected, got="none", fix=fix)
    if int(found.min()) < UNKNOWN:
        expected, got = "class numbers from 0, or -1", int(found.min())
        raise BadValue("labels", expected=expected, got=got, fix="-1 says that there is none.")
    times = max(1, round(share / (1 - share) * others / len(labelled)))
    return torch.cat([torch.arange(len(known)), labelled.repeat(times - 1)])
