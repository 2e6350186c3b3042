"""`Case`: all that was seen of one model, for the rules to judge."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn
from torch.distributions import Distribution

from nelbo.data import Source
from nelbo.doctor.audit.results import Audit
from nelbo.doctor.diagnose.adapt import Adapter
from nelbo.doctor.diagnose.links import squashes
from nelbo.doctor.diagnose.liveness import Activity, watch
from nelbo.doctor.forecast import Forecast, Moments, forecast
from nelbo.errors import BadValue
from nelbo.evaluate import Estimate
from nelbo.evaluate.base import data_of
from nelbo.likelihoods import Likelihood
from nelbo.terms import Terms

PROBED = 500  # examples on which the rules look at networks and outputs


@runtime_checkable
class Diagnosable(Protocol):
    """What a diagnosis asks of a model: nelbo's own `VAE` and every `Adapter` have it."""

    def encode(self, x: Tensor) -> Distribution:
        """Return q(z|x)."""
        ...

    def decode(self, z: Tensor) -> Distribution:
        """Return p(x|z) of latents [samples, batch, latent]."""
        ...

    def terms(self, x: Tensor, samples: int = 1) -> Terms:
        """Return one forward pass."""
        ...

    def reconstruct(self, x: Tensor) -> Tensor:
        """Return the mean of p(x|z) at the mean of q(z|x)."""
        ...


@dataclass(frozen=True)
class Case:
    """One model on one data set.

    Attributes:
        model: what is diagnosed.
        adapter: the same, where it is somebody else's.
        x: some of the data, [n, ...], on the CPU.
        mu: mean of their posteriors, [n, latent].
        recon: their reconstructions at mu, [n, features].
        encoding: what ran in the encoder.
        decoding: what ran in the decoder.
        moments: of the data.
        measures: by name.
        audit: of the loss, where there is one.
        explained: whether a cause of what may still be found is known already.
    """

    model: Any
    adapter: Adapter | None
    x: Tensor
    mu: Tensor
    recon: Tensor
    encoding: Activity
    decoding: Activity
    moments: Moments
    measures: Mapping[str, Estimate]
    audit: Audit | None
    explained: bool = False

    def value(self, name: str, otherwise: float = float("nan")) -> float:
        """Return a measured number, or another where it was not measured."""
        return self.measures[name].value if name in self.measures else otherwise

    @property
    def latent(self) -> int:
        """The number of latents."""
        return self.mu.shape[1]

    @property
    def features(self) -> int:
        """The number of features of an example."""
        return self.moments.mean.numel()

    @property
    def response(self) -> float:
        """Deviation of the outputs across inputs, as a share of the data's.

        The larger of two shares, of the mean deviation and of the root of the summed variance:
        the first does not see few learnt features among many of noise, the second among large ones.
        """
        data = self.moments.variance
        if not bool(data.sum() > 0):
            return float("nan")
        outputs = self.recon.double().var(0, correction=0)
        of_variance = float((outputs.sum() / data.sum()).sqrt())
        return max(self.value("output_deviation") / float(data.sqrt().mean()), of_variance)

    @property
    def likelihood(self) -> Likelihood | None:
        """The likelihood that the user stated."""
        if self.adapter is not None and not self.adapter.stated:
            return None
        found = getattr(self.model, "likelihood", None)
        return found if isinstance(found, Likelihood) else None

    @property
    def squashes(self) -> bool:
        """Whether a sigmoid is still to come after the decoder."""
        if self.adapter is not None:
            return self.adapter.output == "logits"
        likelihood = getattr(self.model, "likelihood", None)
        return isinstance(likelihood, Likelihood) and squashes(likelihood)

    @property
    def collapsed(self) -> bool:
        """Whether the outputs carry nothing of the inputs, and the latents neither."""
        return self.value("mutual_information", 0.0) < SILENT and self.response < FAINT

    @property
    def has_density(self) -> bool:
        """Whether q(z|x) has one, and so the KL and the ELBO exist."""
        return "mutual_information" in self.measures


def foretold(case: Case, likelihood: Likelihood, beta: float = 1.0) -> Forecast | None:
    """Return the forecast of a likelihood on the case's data, None where it has none."""
    with torch.enable_grad(), suppress(BadValue):
        return forecast(case.moments, likelihood, beta=beta)
    return None


# A latent that carries a tenth of a nat tells less than one input in ten from another; healthy
# models carry nats. The estimate is 0 to a hundredth for latents that carry nothing.
SILENT = 0.1
# Outputs that move by a twentieth of what the data does explain a quarter of a percent of it.
FAINT = 0.05


def halves(model: Any) -> tuple[Callable[..., Any], Callable[..., Any], tuple[nn.Module, ...]]:
    """Return encoder and decoder as functions of tensors, and the modules to name parts by."""
    if isinstance(model, Adapter):
        return model.encoding, model.decoding, model.modules
    roots = (model,) if isinstance(model, nn.Module) else ()
    encode, decode = getattr(model, "encoder", None), getattr(model, "decoder", None)
    if not (isinstance(encode, nn.Module) and isinstance(decode, nn.Module)):
        encoded, decoded = getattr(model, "encode"), getattr(model, "decode")  # noqa: B009
        return lambda x: encoded(x).mean, lambda z: decoded(z[None]).mean, roots
    seen, inputs = getattr(model, "seen", None), getattr(model, "inputs", None)
    if seen is None or inputs is None:
        return encode, decode, roots
    # what these see is not what the model is given
    return (lambda x: encode(seen(x))), (lambda z: decode(inputs.beside(z[None], None)[0])), roots


def look(model: Any, source: Source) -> tuple[Tensor, Tensor, Tensor, Activity, Activity]:
    """Return some data, its posterior means, its reconstructions, and what ran in either half."""
    encode, decode, roots = halves(model)
    x = next(iter(source.epoch(PROBED)))
    like = next((p for m in roots for p in m.parameters()), torch.zeros(()))
    given = x if isinstance(model, Adapter) else x.to(like)
    with torch.no_grad():
        q = model.encode(given)
        z = q.sample()
        made = model.reconstruct(given)
        x, recon = data_of(model, given, made), made.flatten(1).cpu()
    _, encoding = watch(encode, (given,), roots)
    with_x = isinstance(model, Adapter) and model.decodes_x
    _, decoding = watch(decode, (z, given) if with_x else (z,), roots)
    return x.cpu(), q.mean.cpu(), recon, encoding, decoding
