"""Structural similarity in place of a likelihood."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from nelbo.errors import BadValue
from nelbo.objectives.aggregate import check_weights
from nelbo.objectives.base import Objective
from nelbo.registry import register
from nelbo.terms import Terms

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # of the scales, the finest first: table 1
WINDOW, SIGMA = 11, 1.5  # of the local means
STABLE = (0.01**2, 0.03**2)  # (K1 L)^2 and (K2 L)^2 for values of range L = 1

Images = Float[Tensor, "n channels height width"]


# -w (1 - MS-SSIM(x, E[x|z])) - KL,   MS-SSIM = l_M^w_M prod_j (c_j s_j)^w_j   Wang et al. 2003, (7)
@register("objective", "ms_ssim")
@dataclass(frozen=True)
class MSSSIM(Objective):
    """Reconstructions that look alike at several scales; for images in [0, 1].

    No likelihood: what it gives are no nats, and compare with nothing. Small images have as many of
    the five scales as fit (28 x 28: two). The weights are scaled to the sum 1.

    Source: Wang, Simoncelli & Bovik 2003, Multi-scale structural similarity, equation 7; as a VAE's
    loss: Snell et al. 2017, Learning to generate images with perceptual similarity metrics.

    Args:
        weight: of 1 - MS-SSIM, which lies in [0, 1], against a nat of the KL.

    Example:
        >>> MSSSIM(weight=100.0).belief
        '-100 (1 - MS-SSIM) - KL: a similarity, no likelihood of x'

    """

    uses_likelihood: ClassVar[bool] = False

    weight: float = 1000.0

    def __post_init__(self) -> None:
        check_weights(weight=self.weight)

    def __call__(self, terms: Terms) -> Float[Tensor, " batch"]:
        """Return the objective of each example, [batch].

        Raises:
            ValueError: examples that are no images, or smaller than a window.

        """
        mean = terms.px.mean
        _check(mean.shape[2:])
        x = terms.x.expand(mean.shape).flatten(0, 1)
        alike = ms_ssim(x, mean.flatten(0, 1)).view(mean.shape[:2]).mean(0)
        return -self.weight * (1 - alike) - terms.kl_total

    def check_data(self, model: Any, x: Tensor) -> bool:
        """Refuse values outside [0, 1]."""
        if not bool(((x >= 0) & (x <= 1)).all()):
            raise BadValue(
                "data for MS-SSIM",
                expected="values in [0, 1]",
                got=f"values from {x.min().item():g} to {x.max().item():g}",
                fix="Scale the images.",
            )
        return super().check_data(model, x)

    @property
    def belief(self) -> str:
        """What is maximised."""
        return f"-{self.weight:g} (1 - MS-SSIM) - KL: a similarity, no likelihood of x"


def ms_ssim(x: Images, y: Images) -> Float[Tensor, " n"]:
    """Return the similarity of images in [0, 1], at most 1, at as many scales as fit.

    Example:
        >>> x = torch.rand(2, 1, 28, 28)
        >>> ms_ssim(x, x)
        tensor([1., 1.])

    """
    scales = [s for s in range(1, 6) if min(x.shape[2:]) >> (s - 1) >= WINDOW]
    weights = x.new_tensor(WEIGHTS[: len(scales)])
    weights = weights / weights.sum()
    structures = []
    for _, after in pairwise((*scales, None)):
        luminance, structure = _compared(x, y)
        structures.append(structure if after else luminance * structure)
        x, y = (F.avg_pool2d(v, 2, ceil_mode=False) for v in (x, y))
    # a negative correlation has no power: as unlike as can be
    parts = torch.stack([s.mean((2, 3)) for s in structures]).clamp_min(1e-6)
    return (parts ** weights[:, None, None]).prod(0).mean(-1)


def _compared(x: Images, y: Images) -> tuple[Tensor, Tensor]:
    """Return luminance, and contrast times structure, in every window."""
    window = _window(x)
    one, two = STABLE
    mean_x, mean_y = _local(x, window), _local(y, window)
    var_x, var_y = (_local(v * v, window) - m * m for v, m in ((x, mean_x), (y, mean_y)))
    covariance = _local(x * y, window) - mean_x * mean_y
    luminance = (2 * mean_x * mean_y + one) / (mean_x**2 + mean_y**2 + one)
    return luminance, (2 * covariance + two) / (var_x + var_y + two)


def _window(like: Tensor) -> Float[Tensor, " taps"]:
    places = torch.arange(WINDOW, dtype=like.dtype, device=like.device) - WINDOW // 2
    weights = torch.exp(-(places**2) / (2 * SIGMA**2))
    return weights / weights.sum()


def _local(x: Images, window: Float[Tensor, " taps"]) -> Tensor:
    channels = x.shape[1]
    rows = window.view(1, 1, -1, 1).expand(channels, 1, -1, 1)
    columns = window.view(1, 1, 1, -1).expand(channels, 1, 1, -1)
    return F.conv2d(F.conv2d(x, rows, groups=channels), columns, groups=channels)


def _check(shape: torch.Size) -> None:
    if len(shape) != 3 or min(shape[1:]) < WINDOW:
        raise BadValue(
            "data for MS-SSIM",
            expected=f"images [channels, height, width] of at least {WINDOW} x {WINDOW}",
            got=f"examples of shape {list(shape)}",
            fix="Use the objective 'elbo'.",
        )
