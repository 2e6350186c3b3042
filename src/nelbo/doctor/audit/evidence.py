"""All that probing found, before it is judged, and the numbers made of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from torch import Tensor

from nelbo.doctor.audit.calling import Call
from nelbo.doctor.audit.families import LIKELIHOODS, OF_LOGITS, UNIT_INTERVAL
from nelbo.doctor.audit.gradient import Reach
from nelbo.doctor.audit.kl import FoundKL
from nelbo.doctor.audit.reconstruction import FoundReconstruction, summands
from nelbo.doctor.audit.regression import round_off

SMALL = 2048  # features up to which the curvature of any loss is looked at
NEAR = 1e-6  # how far rounding may carry data that a loss rescales


@dataclass(frozen=True)
class Evidence:
    """All that probing found.

    Attributes:
        call: the loss, as it was called.
        output: what the user says the reconstruction holds.
        x: the data as the loss sees it, float64.
        latent: the number of latents.
        reconstruction: the reconstruction term.
        kl: the KL term.
        reach: whether the gradients are those of the values.
        rescaled: what the loss said against the data as given, where it was probed on data moved
            into [0, 1] instead; empty elsewhere.
        short: whether the loss accepts a batch with one example less.
        additive: whether the two terms are simply added.
        flat: whether the examples were flattened for it.
        earned: the largest KL that perfect reconstructions can pay for, in nats per example;
            None where it is not known.
    """

    call: Call
    output: str
    x: Tensor
    latent: int
    reconstruction: FoundReconstruction
    kl: FoundKL
    reach: dict[str, Reach]
    rescaled: str
    short: bool
    additive: bool
    flat: bool = False
    earned: float | None = None

    @cached_property
    def low(self) -> float:
        """The smallest value in the data."""
        return float(self.x.min())

    @cached_property
    def high(self) -> float:
        """The largest value in the data."""
        return float(self.x.max())

    @property
    def batch(self) -> int:
        """B, the number of examples."""
        return len(self.x)

    @cached_property
    def features(self) -> int:
        """D, the number of features of an example; of one-hot data, of positions."""
        return summands(self.x, self.reconstruction.class_axis)

    @property
    def family(self) -> str:
        """The reconstruction's family."""
        return self.reconstruction.term.family

    @property
    def outside(self) -> bool:
        """Whether the data lies where the reconstruction is no log-density."""
        return self.family in UNIT_INTERVAL and (self.low < -NEAR or self.high > 1 + NEAR)

    @cached_property
    def grey(self) -> bool:
        """Whether the data, in [0, 1], has values between."""
        return not bool(((self.x.abs() < NEAR) | ((self.x - 1).abs() < NEAR)).all())

    @property
    def smooth(self) -> bool:
        """Whether the reconstruction is a smooth loss of which more is known than its values.

        That of a training step is known by its formula alone.
        """
        known = self.family in ("categorical", "log_cosh") and not self.twice_squashed
        return known and self.features <= SMALL and self.reconstruction.error == 0

    @property
    def twice_squashed(self) -> bool:
        """Whether probabilities go into a loss of logits."""
        logits = self.family in OF_LOGITS
        return self.output == "prob" and logits and "prob" not in self.reconstruction.remark

    @property
    def not_squashed(self) -> bool:
        """Whether logits go into a loss of probabilities."""
        return self.output == "logits" and self.reconstruction.output == "prob"

    @property
    def ratio(self) -> float | None:
        """a_K / a_R: the KL's weight in units of the reconstruction's."""
        r, k = self.reconstruction.weight, self.kl.weight
        if r is None or k is None or r == 0 or self.kl.term.form in ("wrong", "absent", None):
            return None
        return round_off(k / r, digits=10)

    @property
    def averaged(self) -> bool:
        """Whether the reconstruction is averaged over the features, with nothing to undo it.

        Of a step, whose reduction is not known, whether its weight is what averaging makes it.
        """
        term, weight = self.reconstruction.term, self.reconstruction.weight
        named = term.features is not None or self.reconstruction.fixed_features
        if named or weight is None or self.features == 1:
            constant = term.constant
            undone = constant is not None and abs(constant / self.features - 1) < 1e-3
            return term.features == "mean" and not undone
        whole = abs(weight) * self.features * (self.batch if term.batch == "mean" else 1)
        return any(abs(whole / usual - 1) < 0.05 for usual in (0.5, 1.0))

    @property
    def sigma2(self) -> float | None:
        """The variance of the Gaussian decoder at which beta = 1."""
        if self.family != "squared_error" or self.ratio is None or self.ratio < 0:
            return None
        return self.ratio / 2

    @property
    def laplace_scale(self) -> float | None:
        """The scale of the Laplace decoder at which beta = 1."""
        if self.family != "absolute_error" or self.ratio is None or self.ratio < 0:
            return None
        return self.ratio

    @property
    def beta(self) -> float | None:
        """The weight of the KL against a negative log-likelihood."""
        if self.outside or self.twice_squashed or self.not_squashed:
            return None
        if self.family == "squared_error":
            return None if self.ratio is None else self.ratio / 2
        if self.family in LIKELIHOODS or self.family == "absolute_error":
            return self.ratio
        return None
