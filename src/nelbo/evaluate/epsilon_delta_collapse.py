"""(epsilon, delta)-collapse: latents that equal the prior for almost every input."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from nelbo.data import Source
from nelbo.errors import BadValue
from nelbo.evaluate.base import Estimator, Evaluable, batches
from nelbo.evaluate.estimate import Estimate
from nelbo.evaluate.jackknife import Blocks


# latent k is collapsed if P_x[ KL(q(z_k|x) || p(z_k)) < epsilon ] >= 1 - delta    Lucas et al. 2019
@dataclass(frozen=True)
class EpsilonDeltaCollapse(Estimator):
    """`collapsed_units`: the number of latents whose posterior is the prior for almost every x.

    Its parts are P_x[KL_k < epsilon], one a latent. Active units ask whether the mean of the
    posterior varies; this asks whether the posterior is the prior, so that a latent whose mean is
    constant but elsewhere than the prior's is neither active nor collapsed.

    Source: Lucas, Tucker, Grosse & Norouzi 2019, Don't blame the ELBO!, definition 1.

    Args:
        epsilon: KL in nats below which a posterior counts as the prior.
        delta: share of the inputs that may be excepted.
        batch: examples at a time.

    Raises:
        ValueError: epsilon is not positive, delta not in [0, 1), or posterior and prior have no
            closed form per latent.

    Example:
        >>> import torch, nelbo
        >>> model = nelbo.VAE(data_shape=(4,), latent=2)
        >>> found = nelbo.evaluate(model, torch.ones(40, 4), [EpsilonDeltaCollapse(epsilon=9.0)])
        >>> found["collapsed_units"].value
        2.0
    """

    epsilon: float = 0.01
    delta: float = 0.01
    batch: int = 500

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.epsilon > 0:
            expected, fix = "a positive number of nats", "Try 0.01."
            raise BadValue("epsilon", expected=expected, got=self.epsilon, fix=fix)
        if not 0 <= self.delta < 1:
            expected, fix = "a share in [0, 1)", "Try 0.01."
            raise BadValue("delta", expected=expected, got=self.delta, fix=fix)

    def __call__(self, model: Evaluable, data: Source) -> tuple[Estimate, ...]:
        """Return the count."""
        blocks = Blocks()
        for x in batches(model, data, self.batch):
            blocks.add((model.terms(x).kl < self.epsilon).double())
        value, error = blocks.bootstrap(self._count)
        parts = tuple(blocks.means.tolist())
        counted = (float(value), f"of {len(parts)} latents", float(error), blocks.examples)
        return (Estimate("collapsed_units", *counted, parts=parts),)

    def _count(self, shares: Tensor) -> Tensor:
        # the shares are means: 1 - 1/n and the like must not fail by rounding
        return (shares >= 1 - self.delta - 1e-12).sum().to(torch.float64)
