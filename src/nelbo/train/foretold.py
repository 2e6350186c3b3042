"""What a run foretells of itself, before its first step."""

from __future__ import annotations

import math

from nelbo.data import Indexed, Source
from nelbo.doctor import forecast
from nelbo.likelihoods import Likelihood
from nelbo.objectives import ELBO, Objective
from nelbo.objectives.schedules import Schedule

VALUES = 2**22  # of the data, that the forecast may cost
OUTPUTS = 2**12  # of a decoder with several a feature, whose curvature takes many passes


def foretold(likelihood: Likelihood, objective: Objective, train: Source, steps: int) -> str | None:
    """Return the forecast in a line, from some of the examples where there are many.

    None where the data is a stream: it may not bear to be read once more.

    Args:
        likelihood: of the model.
        objective: what is maximised; the forecast is of the ELBO, at its last beta.
        train: the training data.
        steps: how many there will be.

    Example:
        >>> import torch, nelbo
        >>> data = nelbo.data.Examples(torch.tensor([[0.0, 0.0], [2.0, 0.0]]))
        >>> foretold(nelbo.likelihoods.Gaussian(variance=4.0), ELBO(), data, steps=10)
        'collapses: margin 0.25 (largest eigenvalue over beta)'
    """
    if not isinstance(train, Indexed):
        return None
    if not isinstance(objective, ELBO):
        return f"none: it is of the ELBO, not of {type(objective).__name__}"
    last = objective.at(max(0, steps - 1))
    assert isinstance(last, ELBO)
    assert not isinstance(last.beta, Schedule)
    beta = last.beta
    if beta == 0:
        return "learns: at beta = 0 nothing holds the latents back"
    seen = train.spread(max(2, VALUES // math.prod(train.shape)))
    try:
        outputs = math.prod(likelihood.parameter_shape(train.shape))
        if outputs > max(math.prod(train.shape), OUTPUTS):
            return f"none: with {outputs:,} outputs an example it takes minutes: nelbo.forecast"
        found = forecast(seen, likelihood, beta=beta)
    except Exception as error:  # a forecast must not keep anybody from training
        gaps = "missing entry" in str(error)
        return "none: there are gaps in the data" if gaps else f"none: {error}"
    part = f", from {len(seen):,} of {len(train):,} examples" * (len(seen) < len(train))
    final = f" at the final beta of {beta:g}" * isinstance(objective.beta, Schedule)
    return f"{found.verdict}: margin {found.margin:.3g} (largest eigenvalue over beta){final}{part}"
