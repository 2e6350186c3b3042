"""Output dependence: do the reconstructions depend on the input at all?"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from nelbo.data import Source
from nelbo.evaluate.base import Estimator, Evaluable, batches, data_of
from nelbo.evaluate.estimate import Estimate
from nelbo.evaluate.jackknife import Blocks, Deviations, variance

SQUARED = "squared units of the data per example"
UNITS = {
    "output_dependence": "of the variance",
    "explained_variance": "of the variance",
    "output_deviation": "units of the data",
    "squared_error": SQUARED,
    "total_variance": SQUARED,
}


# 1 - SSE/SST,   SSE = sum_x |x - m(x)|^2,   SST = sum_x |x - mean x|^2
# 1 - Var(x - m(x))/Var(x): the same once the means of x and m(x) are equal
@dataclass(frozen=True)
class OutputDependence(Estimator):
    """How the reconstructions depend on the input: five numbers, m(x) the mean of p(x|z) at E q.

    `output_dependence`, 1 - SSE/SST: 0 is what the best constant output reaches, and what data
    that does not vary is given. `explained_variance`, 1 - Var(x - m(x))/Var(x): 0 for every
    constant output. `output_deviation`: the standard deviation of m(x) across inputs, averaged over
    the features; 0 when every output is the same image. `squared_error` and `total_variance`: SSE
    and SST per example. Covariates are no part of it, and what is missing has no error.

    Args:
        batch: examples at a time.

    Example:
        >>> import torch, nelbo
        >>> model = nelbo.VAE(data_shape=(4,), latent=2)
        >>> found = nelbo.evaluate(model, torch.rand(40, 4).round(), [OutputDependence()])
        >>> found["output_deviation"].unit
        'units of the data'
    """

    batch: int = 500

    def __call__(self, model: Evaluable, data: Source) -> tuple[Estimate, ...]:
        """Return the five estimates."""
        blocks, inputs, outputs = Blocks(), Deviations(), Deviations()
        for x in batches(model, data, self.batch):
            made = model.reconstruct(x)
            target, output = (
                part.flatten(1).cpu().double() for part in (data_of(model, x, made), made)
            )
            error = ((target - output) ** 2).sum(1, keepdim=True).cpu()
            d, m = inputs(target), outputs(output)
            difference = ((d - m) ** 2).sum(1, keepdim=True)
            blocks.add(torch.cat([error, difference, d, d**2, m, m**2], dim=1))
        values, errors = (five.tolist() for five in blocks.jackknife(_five))
        return tuple(
            Estimate(name, value, unit, error, blocks.examples)
            for (name, unit), value, error in zip(UNITS.items(), values, errors, strict=True)
        )


def _five(means: Tensor) -> Tensor:
    """Return the five numbers, in the order of UNITS."""
    error, difference = means[:2]
    x1, x2, m1, m2 = means[2:].chunk(4)
    total, residual = variance(x1, x2).sum(), difference - ((x1 - m1) ** 2).sum()
    deviation = variance(m1, m2).sqrt().mean()
    shares = (_explained(error, total), _explained(residual, total))
    return torch.stack([*shares, deviation, error, total])


def _explained(error: Tensor, total: Tensor) -> Tensor:
    return 1.0 - error / total if total > 0 else torch.zeros_like(total)
