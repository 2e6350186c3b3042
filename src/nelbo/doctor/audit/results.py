"""What an audit returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from nelbo.doctor.finding import Finding
from nelbo.doctor.forecast import Forecast

Reduction = Literal["sum", "mean", "sum_times_batch"]
Family = Literal[
    "squared_error",
    "absolute_error",
    "bce_prob",
    "bce_logits",
    "gaussian_nll",
    "gaussian_nll_profiled",
    "continuous_bernoulli",
    "categorical",
    "log_cosh",
    "linear_in_recon",
    "unknown",
]
Form = Literal["closed", "mc", "free_bits", "capacity", "wrong", "extra", "absent"]


@dataclass(frozen=True)
class Reconstruction:
    """The reconstruction term: a_R * sum over examples and features of the family's unit.

    The unit of `squared_error` is (x - m)^2 without 1/2, of `absolute_error` |x - m|, of a
    likelihood its negative log-density; of `categorical` it is summed over positions.

    Attributes:
        family: what is summed; `"unknown"` where it is none of the known ones.
        batch: its reduction over the examples; None where it cannot be known.
        features: its reduction over the features; None where it cannot be known. Where only one
            number of features is accepted, the one whose constant is 1 or 1/2.
        constant: a_R = constant * (1/B where averaged over B examples) * (1/D where over D
            features); negative where the sign is flipped; None where it cannot be known.
    """

    family: Family
    batch: Reduction | None
    features: Reduction | None
    constant: float | None


@dataclass(frozen=True)
class KL:
    """The KL term: a_K * sum over examples and latents of KL(q || N(0, 1)) in nats.

    Attributes:
        form: `"closed"`, `"mc"` (sampled), `"free_bits"`, `"capacity"`, `"wrong"` (not
            proportional to the KL), `"extra"` (the KL and another regulariser) or `"absent"`;
            None where it cannot be known.
        batch: its reduction over the examples; None where it cannot be known.
        latents: its reduction over the latents; None where it cannot be known.
        constant: a_K likewise; of a wrong one, that of its mu^2 / 2; None where it cannot be known.
    """

    form: Form | None
    batch: Reduction | None
    latents: Reduction | None
    constant: float | None


@dataclass(frozen=True)
class Audit:
    """What a loss really says.

    Attributes:
        reconstruction: the reconstruction term.
        kl: the KL term.
        sigma2: for a squared error, the variance of the Gaussian decoder at which beta = 1.
        laplace_scale: for an absolute error, the scale of the Laplace decoder at which beta = 1.
        beta: weight of the KL against the reconstruction as a negative log-likelihood; for a
            squared error that of a Gaussian of variance 1, for an absolute error that of a Laplace
            of scale 1. None where the reconstruction is no likelihood of this data, or the KL
            none.
        findings: by severity, the cause first.
        forecast: whether training on data like `x` would collapse, where it can be foretold.
        ok: false exactly when training this loss would not fit a VAE.
    """

    reconstruction: Reconstruction
    kl: KL
    sigma2: float | None
    laplace_scale: float | None
    beta: float | None
    findings: tuple[Finding, ...]
    forecast: Forecast | None
    ok: bool
