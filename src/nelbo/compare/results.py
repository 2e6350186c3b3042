"""What `compare` measured: the rows, and all that the page, the picture and the JSON need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from torch import Tensor

from nelbo.doctor.forecast import Verdict as ForecastVerdict
from nelbo.evaluate.estimate import Estimate

Verdict = Literal["learns", "collapses"]


@dataclass(frozen=True)
class Row:
    """One loss: what it is, what it promised and what came of it.

    Attributes:
        name: the loss as people write it, such as `"F.mean_squared_error"`.
        key: short name for files and links, such as `"mean_squared_error"`.
        likelihood: the same as a likelihood, `"gaussian:variance=392,link=logit"`.
        belief: what the trained likelihood takes the data to be, in words.
        variance: the noise variance sigma^2 after training, where one number says it.
        variance_source: `"stated"` or `"learned"`, where there is a variance.
        margin: forecast made before training: largest eigenvalue over beta; below 1 it collapses.
        forecast: the forecast's verdict, `"marginal"` at margins near 1.
        verdict: what happened: `"collapses"` when the outputs, but for a constant, explain less
            than a thousandth of the test set's variance.
        estimates: by name: elbo, reconstruction, kl, importance_bound, active_units,
            squared_error (per example), total_variance, output_dependence (1 - SSE/SST),
            explained_variance, output_deviation (standard deviation of the outputs across
            inputs), effective_sample_size; kl and active_units have `parts`.
        base_measure: of the bound; rows of equal base measure compare.
        history: the lines of `metrics.jsonl`, one an epoch: epoch, reconstruction, kl, elbo,
            loss, images_per_second and valid_ twins.
        reconstructions: of the shown examples, [shown, *data_shape], float.
        samples: from the prior, [shown, *data_shape], float.
        seconds: training time.
    """

    name: str
    key: str
    likelihood: str
    belief: str
    variance: float | None
    variance_source: str | None
    margin: float
    forecast: ForecastVerdict
    verdict: Verdict
    estimates: dict[str, Estimate]
    base_measure: str
    history: tuple[dict[str, float], ...]
    reconstructions: Tensor
    samples: Tensor
    seconds: float


@dataclass(frozen=True)
class Refused:
    """A loss that the data does not allow, and why."""

    name: str
    likelihood: str
    reason: str


@dataclass(frozen=True)
class Identity:
    """The squared error, averaged or summed, beside the Gaussian that it is, on one real batch.

    Attributes:
        name: the loss as people write it.
        as_written: its value plus KL / batch, as the training script computes it.
        scale: what the loss in nats has to be multiplied with to give `as_written`.
        constant: the Gaussian's normaliser in nats per example, which no gradient sees.
        from_nats: scale * (loss in nats - constant): equal to `as_written`.
        variance: the Gaussian's variance.
    """

    name: str
    as_written: float
    scale: float
    constant: float
    from_nats: float
    variance: float


@dataclass(frozen=True)
class Comparison:
    """The whole comparison.

    Attributes:
        data: name of the data set.
        data_shape: shape of one example.
        features: D, the number of features of an example.
        rows: one a loss, in the order of the question.
        refused: losses that the data does not allow.
        identities: what the averaged and the summed squared error are.
        originals: the shown test examples, [shown, *data_shape], float.
        labels: their classes, where known.
        spectrum: eigenvalues of the training data's covariance, descending.
        total_variance: squared error of the best constant output on the test set, per example.
        train_examples: number of training examples.
        test_examples: number of test examples.
        made: how it was made: checksum, provenance, seed, network, latent, epochs, batch, lr,
            start, versions, hardware, seconds, peak_memory_bytes, date.
    """

    data: str
    data_shape: tuple[int, ...]
    features: int
    rows: tuple[Row, ...]
    refused: tuple[Refused, ...]
    identities: tuple[Identity, ...]
    originals: Tensor
    labels: tuple[int, ...]
    spectrum: tuple[float, ...]
    total_variance: float
    train_examples: int
    test_examples: int
    made: dict[str, Any]
