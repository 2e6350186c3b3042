"""What a diagnosis measures."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from nelbo.data import Examples
from nelbo.doctor.diagnose.adapt import Adapter
from nelbo.doctor.forecast import Moments
from nelbo.errors import BadValue
from nelbo.evaluate import (
    ActiveUnits,
    DecoderSensitivity,
    EpsilonDeltaCollapse,
    Estimate,
    Estimator,
    KLPerLatent,
    MutualInformation,
    OutputDependence,
    PriorSamples,
    evaluate,
)
from nelbo.evaluate.base import batches, mean_estimate
from nelbo.evaluate.output_dependence import SQUARED


def measure(
    model: Any, source: Examples, data: Examples, found: Moments, seed: int
) -> dict[str, Estimate]:
    """Return every measured number by name; `data` is the source without covariates and gaps."""
    estimators: list[Estimator] = [ActiveUnits(), OutputDependence()]
    terms = model.terms(next(batches(model, source, 2)))
    if terms.has_density and not getattr(terms.q, "knows_only_its_draws", False):
        # at points that it did not draw, a flow has to be inverted: at n^2 of them
        flow = getattr(terms.q, "moments_are_estimated", False)
        estimators += [MutualInformation(examples=100) if flow else MutualInformation()]
    if terms.has_closed_kl:
        estimators += [KLPerLatent(), EpsilonDeltaCollapse()]
    measures = evaluate(model, source, estimators, seed=seed)
    if not (isinstance(model, Adapter) and model.decodes_x):
        # a decoder that remembers its last batch refuses latents of any other number
        with suppress(BadValue):
            # an autoregressive decoder goes through its network several times for each mean
            slow = getattr(terms.px, "moments_are_estimated", False)
            sensitivity = DecoderSensitivity(examples=20) if slow else DecoderSensitivity()
            measures |= evaluate(model, source, [sensitivity, PriorSamples()], seed=seed)
    latent = len(measures["active_units"].parts)
    return {**measures, "pca_error": _pca_error(data[:], found, latent)}


# min over W of rank K of E|x - m - W W'(x - m)|^2 = sum_(i > K) lambda_i            Pearson 1901
def _pca_error(x: Tensor, found: Moments, latent: int) -> Estimate:
    """Return what PCA with as many dimensions leaves, fitted to these very examples.

    Its parts are what PCA with 1, 2, ... dimensions leaves.
    """
    rows = x.flatten(1).double() - found.mean
    # squared coordinates along the principal axes, the largest first, [examples, axes]
    along = (rows @ _axes(rows if found.root is None else found.root)[:latent].T) ** 2
    rest = ((rows**2).sum(1, keepdim=True) - along.cumsum(1)).clamp_min(0.0)
    whole = mean_estimate("pca_error", rest[:, -1])
    return replace(whole, unit=SQUARED, parts=tuple(rest.mean(0).tolist()))


def _axes(root: Tensor) -> Tensor:
    """Return the principal axes as rows, the largest first, of a root R of the covariance R'R."""
    if root.shape[0] < root.shape[1]:  # examples: the axes are combinations of them
        root = torch.linalg.eigh(root @ root.T)[1].T @ root
    return torch.nn.functional.normalize(root.flip(0), dim=1)
