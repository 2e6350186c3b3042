"""`VAE`: the one composition of network, likelihood, posterior and prior."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.distributions import Distribution

from nelbo import registry
from nelbo.errors import BadType, BadValue
from nelbo.likelihoods import Bernoulli, Likelihood
from nelbo.networks import MLP, Network
from nelbo.posteriors import Diagonal, Posterior
from nelbo.priors import Prior, Standard
from nelbo.registry import Spec
from nelbo.rng import seeded
from nelbo.terms import Terms

T = TypeVar("T")


class VAE(nn.Module):
    """A variational autoencoder: p(z), p(x|z) and q(z|x).

    Source: Kingma & Welling 2014, Auto-Encoding Variational Bayes.

    Args:
        data_shape: shape of one example, such as (1, 28, 28), or its number of features.
        latent: number of latent dimensions, at least 1.
        network: maker of encoder and decoder; by default the MLP 500-500 with tanh.
        likelihood: p(x|z); by default Bernoulli.
        posterior: q(z|x); by default the diagonal Gaussian.
        prior: p(z); by default N(0, I).

    Raises:
        TypeError: a component that is not of its axis.
        ValueError: an empty shape, or fewer than one latent.

    Example:
        >>> model = VAE(data_shape=(1, 28, 28), latent=20)
        >>> model.reconstruct(torch.zeros(3, 1, 28, 28)).shape
        torch.Size([3, 1, 28, 28])

    """

    def __init__(
        self,
        data_shape: Sequence[int] | int,
        latent: int,
        network: Network | None = None,
        likelihood: Likelihood | None = None,
        posterior: Posterior | None = None,
        prior: Prior | None = None,
    ) -> None:
        super().__init__()
        self.data_shape, self.latent = _shape(data_shape), _latent(latent)
        self.network = _component("network", MLP() if network is None else network, Network)
        self.likelihood = _component(
            "likelihood", Bernoulli() if likelihood is None else likelihood, Likelihood
        )
        self.posterior = _component(
            "posterior", Diagonal() if posterior is None else posterior, Posterior
        )
        self.prior = _component("prior", Standard() if prior is None else prior, Prior)
        self.likelihood.setup(self.data_shape)
        self.prior.setup(latent)
        self.encoder = self.network.make_encoder(
            self.data_shape, self.posterior.parameter_shape(latent)
        )
        self.decoder = self.network.make_decoder(
            latent, self.likelihood.parameter_shape(self.data_shape)
        )

    def terms(self, x: Float[Tensor, " batch *event"], samples: int = 1) -> Terms:
        """Return one forward pass with `samples` latents drawn for each example."""
        q = self.encode(x)
        z = q.rsample(torch.Size((samples,)))
        return Terms(x, z, self.decode(z), q, self.prior())

    def encode(self, x: Float[Tensor, " batch *event"]) -> Distribution:
        """Return q(z|x), batch shape [batch].

        Raises:
            ValueError: the data is not [batch, *data_shape].

        """
        if tuple(x.shape[1:]) != self.data_shape:
            raise BadValue(
                "data",
                expected=f"shape [batch, *{list(self.data_shape)}]",
                got=f"{list(x.shape)}",
                fix=f"Reshape it: x.reshape(-1, *{self.data_shape}).",
            )
        return self.posterior(_full(self.encoder(x)))

    def decode(self, z: Float[Tensor, "samples batch latent"]) -> Distribution:
        """Return p(x|z), batch shape [samples, batch]."""
        parameters = _full(self.decoder(z.flatten(0, 1)))
        return self.likelihood(parameters.unflatten(0, z.shape[:2]))

    def reconstruct(self, x: Float[Tensor, " batch *event"]) -> Float[Tensor, " batch *event"]:
        """Return the mean of p(x|z) at the mean of q(z|x)."""
        return self.decode(self.encode(x).mean[None]).mean[0]

    @torch.no_grad()
    def initialise(self, mean: Float[Tensor, " *event"]) -> None:
        """Start the decoder's output at the data's mean, through the bias of its last layer.

        Training then begins by learning how examples differ, not what they have in common. A
        decoder whose last layer has no bias for each output (a convolution) stays as it is.

        Args:
            mean: mean of the training data, [*data_shape]: `source.mean()`.

        Example:
            >>> model = VAE(data_shape=(4,), latent=2)
            >>> model.initialise(torch.full((4,), 0.25))
            >>> bool((model.sample(100, seed=0).mean(0) < 0.5).all())
            True
        """
        output = self.likelihood.output_at(mean).flatten()
        layers = [m for m in self.decoder.modules() if isinstance(m, nn.Linear)]
        if layers and layers[-1].bias is not None and layers[-1].bias.shape == output.shape:
            layers[-1].bias.copy_(output)

    @torch.no_grad()
    def sample(self, n: int, seed: int | None = None) -> Float[Tensor, " n *event"]:
        """Return the mean of p(x|z) at `n` draws of p(z): the customary picture of a VAE.

        The noise of p(x|z) itself is left out; `decode(z).sample()` adds it.
        """
        with seeded(seed):
            z = self.prior().sample(torch.Size((1, n)))
        return self.decode(z).mean[0]

    def spec(self) -> Spec:
        """Return the record from which `from_spec` builds an untrained twin."""
        axes = {axis: registry.spec(getattr(self, axis)) for axis in AXES}
        return {"data_shape": list(self.data_shape), "latent": self.latent, **axes}

    @classmethod
    def from_spec(cls, spec: Spec, network: Network | None = None) -> VAE:
        """Build the model of a record; `network` is needed where the record has foreign modules."""
        chosen = {axis: registry.build(axis, spec[axis]) for axis in AXES if axis != "network"}
        built = network or registry.build("network", spec["network"])
        return cls(spec["data_shape"], spec["latent"], network=built, **chosen)


AXES = ("network", "likelihood", "posterior", "prior")


def _shape(data_shape: Sequence[int] | int) -> tuple[int, ...]:
    shape = (data_shape,) if isinstance(data_shape, int) else tuple(int(d) for d in data_shape)
    if not shape or min(shape) < 1:
        raise BadValue(
            "data_shape",
            expected="at least one positive integer",
            got=data_shape,
            fix="For example (1, 28, 28).",
        )
    return shape


def _latent(latent: int) -> int:
    if not isinstance(latent, int) or isinstance(latent, bool):
        raise BadType("latent", expected="an integer", got=f"{latent!r}", fix="Try 20.")
    if latent < 1:
        raise BadValue("latent", expected="an integer of at least 1", got=latent, fix="Try 20.")
    return latent


def _component(axis: str, value: T, kind: type[T]) -> T:
    if not isinstance(value, kind):
        raise BadType(
            axis,
            expected=f"a {kind.__name__}",
            got=f"{value!r}",
            fix=f"Build one from a name: nelbo.registry.build('{axis}', name).",
        )
    return value


def _full(output: Tensor) -> Tensor:
    """Return a network's output in full precision: densities are never computed in bfloat16."""
    return output.float() if output.dtype in (torch.bfloat16, torch.float16) else output
