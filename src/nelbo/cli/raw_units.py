"""Densities of standardised data, and what makes them those of the data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch

from nelbo.data import Indexed, Standardise, WithCovariates
from nelbo.data.arrays import rows_at_once
from nelbo.evaluate import Estimate
from nelbo.evaluate.base import mean_estimate


def in_raw_units(found: Mapping[str, Estimate], data: Indexed) -> dict[str, Estimate]:
    """Return the estimates; of standardised data they say so, and what to add for the data's own.

    Args:
        found: estimates of a model on `data`.
        data: the examples.
    """
    source = data.data if isinstance(data, WithCovariates) else data
    transform = source.transform
    if not isinstance(transform, Standardise):
        return dict(found)
    said = {
        name: e
        if e.base_measure is None
        else replace(e, base_measure=f"{e.base_measure}, standardised")
        for name, e in found.items()
    }
    each = [transform.log_scale(x) for x in source.epoch(rows_at_once(source.shape))]
    shift = mean_estimate("standardisation", torch.cat(each))
    unit = f"{shift.unit}: add it to the densities for the data as it is"
    return {**said, shift.name: replace(shift, unit=unit)}
