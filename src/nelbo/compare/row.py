"""One row of a comparison: a loss trained, measured and judged."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from nelbo.compare.losses import Loss
from nelbo.compare.results import Row
from nelbo.data import Indexed
from nelbo.doctor import Forecast
from nelbo.evaluate import ELBO, ActiveUnits, ImportanceBound, OutputDependence, evaluate
from nelbo.likelihoods import Gaussian
from nelbo.train import Run

BOUND = ImportanceBound(samples=100)
BOUND_EXAMPLES = 2000
# The share of the variance that outputs must explain to count as depending on x. A constant output
# explains exactly 0, numerical remains of a collapse about 1e-8, one latent among a thousand
# features a few thousandths.
ALIVE = 1e-3


@dataclass(frozen=True)
class Trained:
    """A loss, what was foretold of it, and its run."""

    loss: Loss
    forecast: Forecast
    run: Run


def measure(trained: Trained, test: Indexed, originals: Tensor, seed: int) -> Row:
    """Return the row of a trained loss.

    Args:
        trained: the loss and its run.
        test: examples that were not trained on.
        originals: the shown examples, [shown, *data_shape].
        seed: of the latents drawn.
    """
    model, history = trained.run.model, trained.run.history
    measured = [ELBO(), ActiveUnits(), OutputDependence()]
    estimates = evaluate(model, test, measured, seed=seed)
    estimates |= evaluate(model, test.spread(BOUND_EXAMPLES), [BOUND], seed=seed)
    alive = estimates["explained_variance"].value > ALIVE
    likelihood = model.likelihood
    return Row(
        name=trained.loss.name,
        key=trained.loss.key,
        likelihood=trained.loss.likelihood,
        belief=likelihood.belief,
        variance=likelihood.implied_variance,
        variance_source=likelihood.scale.source if isinstance(likelihood, Gaussian) else None,
        margin=trained.forecast.margin,
        forecast=trained.forecast.verdict,
        verdict="learns" if alive else "collapses",
        estimates=estimates,
        base_measure=likelihood.base_measure,
        history=tuple(dict(line) for line in history),
        reconstructions=model.reconstruct(originals.to(next(model.parameters()))).detach().cpu(),
        samples=model.sample(len(originals), seed=seed).cpu(),
        seconds=sum(line["seconds"] for line in history),
    )
