"""Output dependence: do the reconstructions depend on the input at all?"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from nelbo.data import Source
from nelbo.evaluate.base import Blocks, Estimator, Evaluable, batches
from nelbo.evaluate.estimate import Estimate


# 1 - SSE/SST,   SSE = sum_x |x - m(x)|^2,   SST = sum_x |x - mean x|^2
@dataclass(frozen=True)
class OutputDependence(Estimator):
    """`output_dependence` 1 - SSE/SST, `output_deviation`, `squared_error`, `total_variance`.

    m(x) is the mean of p(x|z) at the mean of q(z|x). A dependence of 0 is what the best constant
    output reaches; `output_deviation` is the standard deviation of m(x) across inputs, averaged
    over the features: 0 when every output is the same image.

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
        """Return the four estimates."""
        blocks, examples = Blocks(), 0
        for x in batches(model, data, self.batch):
            target = x.flatten(1).double()
            output = model.reconstruct(x).flatten(1).to(target)
            error = ((target - output) ** 2).sum(0)
            n = torch.full_like(error, len(x))
            moments = (target.sum(0), (target**2).sum(0), output.sum(0), (output**2).sum(0))
            blocks.add(torch.cat([n, error, *moments]))
            examples += len(x)

        def estimate(name: str, unit: str, of: object) -> Estimate:
            value, standard_error = blocks.jackknife(of)  # type: ignore[arg-type]
            return Estimate(name, value, unit, standard_error, examples)

        squared = "squared units of the data per example"
        return (
            estimate("output_dependence", "of the variance", _dependence),
            estimate("output_deviation", "units of the data", _deviation),
            estimate("squared_error", squared, lambda s: float(_split(s)[1].sum())),
            estimate("total_variance", squared, lambda s: float(_variance(*_split(s)[2:4]).sum())),
        )


def _split(sums: Tensor) -> list[Tensor]:
    """Return n, SSE and the four moments, each per feature and, but for n, per example."""
    n, *rest = sums.chunk(6)
    return [n, *(r / n for r in rest)]


def _variance(first: Tensor, second: Tensor) -> Tensor:
    return (second - first**2).clamp_min(0.0)


def _dependence(sums: Tensor) -> float:
    _, error, x1, x2, *_ = _split(sums)
    total = _variance(x1, x2).sum()
    return float(1.0 - error.sum() / total) if total > 0 else 0.0


def _deviation(sums: Tensor) -> float:
    *_, m1, m2 = _split(sums)
    return float(_variance(m1, m2).sqrt().mean())
