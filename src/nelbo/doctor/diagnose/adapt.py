"""`adapt`: anybody's trained VAE, in the form that evaluation and diagnosis take."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.distributions import Distribution, Independent, Normal

from nelbo.data import Source
from nelbo.doctor.diagnose.foreign import Foreign, takes
from nelbo.doctor.diagnose.links import takes_mean
from nelbo.doctor.kept import sampling_mode
from nelbo.doctor.modules import behind
from nelbo.errors import BadType, BadValue, nearest
from nelbo.likelihoods import Gaussian, Likelihood
from nelbo.terms import Terms

Output = Literal["mean", "prob", "logits", "mean+logvar"]
OUTPUTS: tuple[Output, ...] = ("mean", "prob", "logits", "mean+logvar")


@dataclass(frozen=True, eq=False)
class Adapter:
    """A foreign VAE behind the methods of nelbo's own: `encode`, `decode`, `terms`, `reconstruct`.

    Made by `adapt`, which says what the fields mean.
    """

    encoding: Foreign
    decoding: Foreign
    output: Output = "mean"
    loss: Callable[..., Any] | None = None
    step: Callable[..., Any] | None = None
    sampling: Foreign | None = None
    forward: Foreign | None = None
    likelihood: Likelihood | None = None
    optimizer: Any = None
    beta: float | Callable[[int], float] | None = None
    steps: int | None = None
    stated: bool = True

    @property
    def modules(self) -> tuple[nn.Module, ...]:
        """The torch modules behind encoder and decoder, where they were found."""
        return tuple(dict.fromkeys((*self.encoding.modules, *self.decoding.modules)))

    @property
    def every_module(self) -> tuple[nn.Module, ...]:
        """The torch modules behind all the functions, where they were found."""
        others = (self.loss, self.step, self.sampling, self.forward)
        return tuple(dict.fromkeys((*self.modules, *(m for f in others for m in behind(f)))))

    @property
    def decodes_x(self) -> bool:
        """Whether the decoder is handed the data beside the latents: `decode(z, x)`."""
        return takes(self.decoding.function) == 2

    def encode(self, x: Float[Tensor, " batch *event"]) -> Distribution:
        """Return q(z|x), a diagonal Gaussian of batch shape [batch].

        Raises:
            ValueError: the function does not return (mu, logvar), both [batch, latent].
        """
        mu, logvar = _posterior(self.encoding, x)
        features = Normal(mu, torch.exp(0.5 * logvar), validate_args=False)
        return Independent(features, 1, validate_args=False)

    def outputs(
        self, z: Float[Tensor, "batch latent"], x: Float[Tensor, " batch *event"] | None = None
    ) -> tuple[Tensor, ...]:
        """Return what the decoder puts out, one or two tensors, [batch, ...] each.

        Raises:
            ValueError: another number of tensors or of examples, or x is missing.
        """
        if not self.decodes_x:
            found = self.decoding(z)
        elif x is not None:
            found = self.decoding(z, x)
        else:
            got, fix = "decode(z, x)", "Pass a decode(z) that generates from z alone."
            raise BadValue("decode", expected="decode(z) for samples", got=got, fix=fix)
        return _outputs(found, len(z), self.output)

    def decode(
        self, z: Float[Tensor, "samples batch latent"], x: Tensor | None = None
    ) -> Distribution:
        """Return p(x|z), batch shape [samples, batch].

        Without a likelihood it is a Gaussian around the output, of variance 1; `calibrated` gives
        it the residuals' own.
        """
        if x is not None:
            x_of_each = x[None].expand(len(z), *x.shape).flatten(0, 1)
            parts = self.outputs(z.flatten(0, 1), x_of_each)
            parts = tuple(_like(part, x_of_each) for part in parts)
        else:
            parts = self.outputs(z.flatten(0, 1))
        return self._distribution(tuple(part.unflatten(0, z.shape[:2]) for part in parts))

    def terms(self, x: Float[Tensor, " batch *event"], samples: int = 1) -> Terms:
        """Return one forward pass with `samples` latents drawn for each example."""
        q = self.encode(x)
        z = q.rsample(torch.Size((samples,)))
        zero = torch.zeros_like(z[0, 0])
        prior = Independent(Normal(zero, zero + 1, validate_args=False), 1, validate_args=False)
        return Terms(x, z, self.decode(z, x), q, prior)

    def reconstruct(self, x: Float[Tensor, " batch *event"]) -> Float[Tensor, " batch *event"]:
        """Return the mean of p(x|z) at the mean of q(z|x)."""
        return self.decode(self.encode(x).mean[None], x).mean[0]

    @torch.no_grad()
    def calibrated(self, data: Source, batch: int = 500) -> Adapter:
        """Return the adapter with a Gaussian of the residuals' variance, where none is stated.

        sigma^2 = E (x - g(mu))^2, the optimum of sigma-VAE (Rybkin et al. 2021).
        """
        if self.likelihood is not None and self.stated:
            return self
        total, count = 0.0, 0
        for x in data.epoch(batch):
            residual = (x - self.reconstruct(x)).double()
            total, count = total + float((residual**2).sum()), count + x.numel()
        variance = min(max(total / count, 1e-12), 1e30)
        return replace(self, likelihood=Gaussian(variance=variance), stated=False)

    def _distribution(self, parts: tuple[Tensor, ...]) -> Distribution:
        if self.output == "mean+logvar":
            features = Normal(parts[0], torch.exp(0.5 * parts[1]), validate_args=False)
            return Independent(features, parts[0].dim() - 2, validate_args=False)
        likelihood = Gaussian(variance=1.0) if self.likelihood is None else self.likelihood
        return likelihood(_parameters(parts[0], self.output, likelihood))


def adapt(
    *,
    encode: Callable[..., Any],
    decode: Callable[..., Any],
    loss: Callable[..., Any] | None = None,
    step: Callable[..., Any] | None = None,
    output: str = "mean",
    sample: Callable[..., Any] | None = None,
    forward: Callable[..., Any] | None = None,
    likelihood: Likelihood | None = None,
    encoder: nn.Module | None = None,
    decoder: nn.Module | None = None,
    optimizer: Any = None,
    beta: float | Callable[[int], float] | None = None,
    steps: int | None = None,
) -> Adapter:
    """Return anybody's trained VAE as something that nelbo can evaluate and diagnose.

    The functions take and give torch tensors or NumPy arrays (a Chainer variable, a JAX or a
    TensorFlow array will do as well). The first two are enough; each of the others lets more be
    found. The prior is taken to be N(0, I).

    Args:
        encode: `encode(x) -> (mu, logvar)`, both [batch, latent].
        decode: `decode(z) -> recon`, [batch, ...] in the units of the data; or `decode(z, x)`,
            where the decoder is handed the data too, as autoregressive ones are in training.
        loss: `loss(x, recon, mu, logvar) -> scalar`: it is audited.
        step: `step(x) -> scalar`, the loss of a batch, sampling inside: it is audited, and shows
            whether gradients reach the encoder.
        output: what `decode` returns: `"mean"`, `"prob"` (in [0, 1]), `"logits"` (a sigmoid is
            still to come) or `"mean+logvar"`, a pair.
        sample: `sample(mu, logvar) -> z`, your own reparameterisation, to be checked.
        forward: `forward(x) -> recon`, the model's own full pass, to be compared with `decode`.
        likelihood: p(x|z), one of `nelbo.likelihoods`, fed with the output (of `"prob"` with its
            log-odds where it wants them). Without one p(x|z) is taken to be a Gaussian around the
            output whose variance is that of the residuals.
        encoder: module behind `encode`, where it cannot be found (from modules, their methods
            and functions that refer to them it can).
        decoder: module behind `decode`, likewise.
        optimizer: of torch, to see whether it holds the encoder's parameters.
        beta: weight of the KL in training, a number or a function of the step.
        steps: how many steps were made; `beta(steps)` is where the warm-up stands.

    Raises:
        TypeError: a function that is none, or no likelihood.
        ValueError: an unknown output.

    Example:
        >>> import torch, nelbo
        >>> encoder, decoder = torch.nn.Linear(4, 4), torch.nn.Linear(2, 4)
        >>> mine = adapt(encode=lambda x: encoder(x).chunk(2, dim=1), decode=decoder)
        >>> mine.reconstruct(torch.zeros(3, 4)).shape
        torch.Size([3, 4])
    """
    if output not in OUTPUTS:
        expected, got = "what decode returns", f"'{output}'"
        raise BadValue("output", expected=expected, got=got, fix=nearest(output, OUTPUTS))
    if likelihood is not None and not isinstance(likelihood, Likelihood):
        fix = "For example nelbo.likelihoods.Bernoulli()."
        raise BadType("likelihood", expected="a Likelihood", got=f"{likelihood!r}"[:60], fix=fix)
    for name, function in (("loss", loss), ("step", step)):
        if function is not None and not callable(function):
            got, fix = f"{function!r}"[:60], f"Pass the function that trains: {name}=my_{name}."
            raise BadType(name, expected="a function", got=got, fix=fix)
    return Adapter(
        encoding=Foreign("encode", encode, "encode(x) -> (mu, logvar)", _given(encoder)),
        decoding=Foreign("decode", decode, "decode(z) -> recon", _given(decoder)),
        output=output,  # pyright: ignore[reportArgumentType]
        loss=loss,
        step=step,
        sampling=None if sample is None else _sampling(sample),
        forward=None if forward is None else Foreign("forward", forward, "forward(x) -> recon"),
        likelihood=likelihood,
        optimizer=optimizer,
        beta=beta,
        steps=steps,
    )


def _given(module: nn.Module | None) -> Sequence[nn.Module]:
    return () if module is None else (module,)


def _sampling(sample: Callable[..., Any]) -> Foreign:
    return Foreign("sample", sample, "sample(mu, logvar) -> z", mode=sampling_mode)


def _posterior(encoding: Foreign, x: Tensor) -> tuple[Tensor, Tensor]:
    found = encoding(x)
    fix = "Return the mean and the logarithm of the variance: encode(x) -> (mu, logvar)."
    if not (isinstance(found, tuple) and len(found) == 2 and isinstance(found[0], Tensor)):
        got = f"{len(found)} of them" if isinstance(found, tuple) else f"one of {list(found.shape)}"
        raise BadValue("what encode returned", expected="two arrays", got=got, fix=fix)
    mu, logvar = found
    if mu.shape != logvar.shape or mu.dim() != 2 or len(mu) != len(x):
        raise BadValue(
            "what encode returned",
            expected=f"mu and logvar of shape [{len(x)}, latent]",
            got=f"{list(mu.shape)} and {list(logvar.shape)}",
            fix=fix,
        )
    return mu, logvar


def _outputs(found: Any, batch: int, output: Output) -> tuple[Tensor, ...]:
    parts = found if isinstance(found, tuple) else (found,)
    wanted = 2 if output == "mean+logvar" else 1
    if len(parts) != wanted:
        likely = "mean+logvar" if len(parts) == 2 else "mean"
        raise BadValue(
            "what decode returned",
            expected=f"{wanted} array{'s' * (wanted - 1)}, for output='{output}'",
            got=f"{len(parts)}",
            fix=f"Say output='{likely}', or return the reconstruction alone.",
        )
    for part in parts:
        if part.dim() < 2 or len(part) != batch:
            raise BadValue(
                "what decode returned",
                expected=f"shape [{batch}, ...], one reconstruction a latent",
                got=f"{list(part.shape)}",
                fix="Return decode(z) -> recon for a batch of latents [batch, latent].",
            )
    return parts


def _like(part: Tensor, x: Tensor) -> Tensor:
    """Return an output in the shape of the data."""
    if part.shape[1:].numel() != x.shape[1:].numel():
        raise BadValue(
            "what decode returned",
            expected=f"as many numbers an example as the data, {list(x.shape[1:])}",
            got=f"{list(part.shape[1:])}",
            fix="Return the reconstruction of x, all of its features.",
        )
    return part.reshape(x.shape)


def _parameters(part: Tensor, output: Output, likelihood: Likelihood) -> Tensor:
    """Return an output as the likelihood wants it: as a mean, or before a sigmoid."""
    wants_mean = takes_mean(likelihood)
    if output == "logits":
        return torch.sigmoid(part) if wants_mean else part
    if wants_mean:
        return part
    edge = torch.finfo(part.dtype).eps
    return torch.logit(part.clamp(edge, 1 - edge))
