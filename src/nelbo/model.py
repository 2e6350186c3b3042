"""`VAE`: the one composition of network, likelihood, posterior and prior."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.distributions import Distribution

from nelbo import checks, registry
from nelbo.context import Context, priors_of
from nelbo.inputs import Inputs
from nelbo.likelihoods import Bernoulli, Likelihood
from nelbo.likelihoods.observed import filler
from nelbo.networks import MLP, Network, start_at
from nelbo.posteriors import Diagonal, Posterior
from nelbo.priors import Prior, Standard
from nelbo.registry import Spec
from nelbo.rng import seeded
from nelbo.terms import Terms


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
        covariates: how many numbers an example has beside its data, on which encoder, decoder and
            prior may depend (labels one-hot, a patient's age): p(x|y). An example is then one row,
            [data, covariates], as `nelbo.data.beside` makes it.
        missing: whether entries of the data may be missing (NaN): they leave the sum of log p(x|z).

    Raises:
        TypeError: a component that is not of its axis.
        ValueError: an empty shape, fewer than one latent, or a posterior and a prior that do not
            go together.

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
        covariates: int = 0,
        missing: bool = False,
    ) -> None:
        super().__init__()
        checks.unshared(likelihood, posterior, prior)
        self.data_shape = checks.shape(data_shape)
        self.latent = checks.count("latent", latent, least=1)
        self.covariates = checks.count("covariates", covariates, least=0)
        self.missing = missing
        self.network = checks.component("network", network, Network, MLP)
        self.likelihood = checks.component("likelihood", likelihood, Likelihood, Bernoulli)
        self.posterior = checks.component("posterior", posterior, Posterior, Diagonal)
        checks.same_maps(self.network, self.posterior)
        self.likelihood.setup(self.data_shape)
        self.posterior.setup(latent)
        self._take(checks.component("prior", prior, Prior, Standard))
        self.inputs = Inputs(
            self.data_shape,
            covariates,
            filler(self.likelihood, self.data_shape) if missing else None,
        )
        self.encoder = self.network.make_encoder(
            self.data_shape, self.posterior.parameter_shape(latent)
        )
        self.decoder = self.network.make_decoder(
            latent + covariates, self.likelihood.parameter_shape(self.data_shape)
        )
        self._own()

    def _own(self) -> None:
        checks.mark_owned(self.likelihood, self.posterior, self.prior)

    def __setstate__(self, state: dict[str, object]) -> None:
        """Take the state of a copy or of a file; its components are its own."""
        super().__setstate__(state)
        self._own()

    def _take(self, prior: Prior) -> None:
        checks.same_measure(self.posterior, prior, priors_of(self.posterior.base_measure))
        self.prior = prior
        prior.setup(self.latent)
        prior.connect(self.posterior, self.data_shape, self.covariates)
        self.posterior.connect(prior)

    def with_prior(self, prior: Prior) -> VAE:
        """Return a copy of the model with another prior, which begins untrained.

        Args:
            prior: p(z); of it, too, a copy becomes part of the model.

        Raises:
            TypeError: no prior.
            ValueError: a prior that does not go with the posterior.

        Example:
            >>> from nelbo.priors import Mixture
            >>> model = VAE(data_shape=(4,), latent=2)
            >>> type(model.with_prior(Mixture()).prior).__name__
            'Mixture'
        """
        twin = copy.deepcopy(self)
        twin._take(copy.deepcopy(checks.component("prior", prior, Prior, Standard)))
        twin.prior.to(next(self.parameters())).train(self.training)
        twin._own()
        return twin

    @property
    def example_shape(self) -> tuple[int, ...]:
        """Shape of one example as the data has it: with covariates, one row of both."""
        return self.inputs.example_shape

    def terms(self, x: Float[Tensor, " batch *event"], samples: int = 1) -> Terms:
        """Return one forward pass with `samples` latents drawn for each example."""
        x, y = self.inputs.split(x)
        q = self._posterior(x, y)
        z = q.rsample(torch.Size((samples,)))
        return Terms(x, z, self.decode(z, y), q, self.marginal(y), self, y)

    def encode(self, x: Float[Tensor, " batch *event"]) -> Distribution:
        """Return q(z|x), batch shape [batch].

        Raises:
            ValueError: the data is not [batch, *example_shape].

        """
        return self._posterior(*self.inputs.split(x))

    def decode(
        self, z: Float[Tensor, "samples batch latent"], y: Covariates = None
    ) -> Distribution:
        """Return p(x|z), or p(x|z, y), batch shape [samples, batch].

        Args:
            z: latents.
            y: covariates, [batch, covariates]; by default the mean ones.
        """
        parameters = _full(self.decoder(self.inputs.beside(z, y).flatten(0, 1)))
        return self.inputs.observed(self.likelihood(parameters.unflatten(0, z.shape[:2])))

    def marginal(self, y: Covariates = None) -> Distribution:
        """Return p(z), or p(z|y), batch shape [] or [batch]; by default at the mean covariates."""
        return self.prior.within(self._context(None, self.inputs.given(y)))

    def reconstruct(self, x: Float[Tensor, " batch *event"]) -> Float[Tensor, " batch *shape"]:
        """Return the mean of p(x|z) at the mean of q(z|x), [batch, *data_shape].

        Where latents lie on a sphere or in a ball, at the centre of q(z|x), which lies there too.
        """
        return self.reconstruction(x).mean[0]

    def reconstruction(self, x: Float[Tensor, " batch *event"]) -> Distribution:
        """Return p(x|z) of which `reconstruct` is the mean, batch shape [1, batch]."""
        x, y = self.inputs.split(x)
        q = self._posterior(x, y)
        z = getattr(q, "centre", None)
        return self.decode((q.mean if z is None else z)[None], y)

    def _posterior(self, x: Tensor, y: Tensor | None) -> Distribution:
        parameters = _full(self.encoder(self._seen(x, y)))
        return self.posterior.within(parameters, self._context(x, y))

    def seen(self, x: Float[Tensor, " batch *event"]) -> Float[Tensor, " batch *shape"]:
        """Return what the encoder sees of examples, [batch, *data_shape].

        That is the data as its likelihood shows it (counts by their logarithms, nearly), without
        gaps, and moved by the covariates.
        """
        return self._seen(*self.inputs.split(x))

    def _seen(self, x: Tensor, y: Tensor | None) -> Tensor:
        return self.inputs.moved(self.likelihood.shown(self.inputs.whole(x)), y)

    def _context(self, x: Tensor | None, y: Tensor | None) -> Context:
        return Context(
            x=x,
            y=y,
            encode=partial(self._posterior, y=None),
            decode=partial(self.decode, y=y),
            prior=partial(self.marginal, y),
        )

    @torch.no_grad()
    def initialise(
        self, mean: Float[Tensor, " *event"], some: Float[Tensor, " n *event"] | None = None
    ) -> None:
        """Start the decoder's output at the data's mean, through the bias of its last layer.

        Training then begins by learning how examples differ, not what they have in common. A
        decoder that ends neither in `OutputBias` nor in a linear layer with a bias for each output
        stays as it is. With `some` examples, what the likelihood learns of the noise begins at
        their spread, and a prior of pseudo-inputs at them.

        Args:
            mean: mean of the training data, [*data_shape]: `source.mean()`.
            some: examples in random order: `source.some()`.

        Example:
            >>> model = VAE(data_shape=(4,), latent=2)
            >>> model.initialise(torch.full((4,), 0.25))
            >>> bool((model.sample(100, seed=0).mean(0) < 0.5).all())
            True
        """
        self.inputs.fill(mean)
        mean = mean.flatten()[: math.prod(self.data_shape)].reshape(self.data_shape)
        if some is not None:
            x, _ = self.inputs.split(some.float() if not some.is_floating_point() else some)
            self.prior.start(x, torch.randn(len(x), self.latent).to(x))
            variance = (x - mean.to(x)).square().nanmean(0).nan_to_num(0.0)
            self.likelihood.start(mean, variance.to(mean))
        start_at(self.decoder, self.likelihood.output_at(mean))

    @torch.no_grad()
    def sample(
        self,
        n: int,
        seed: int | None = None,
        y: Covariates = None,
        latents: Distribution | None = None,
    ) -> Float[Tensor, " n *event"]:
        """Return the mean of p(x|z) at `n` draws of p(z): the customary picture of a VAE.

        The noise of p(x|z) itself is left out; `decode(z).sample()` adds it.

        Args:
            n: how many.
            seed: of the draws.
            y: covariates, [n, covariates]; by default the mean ones.
            latents: what to draw z from instead of p(z), such as the volume of a Riemannian
                posterior, `model.posterior.volume`.
        """
        return self.generated(n, seed, y, latents).mean[0]

    def generated(
        self,
        n: int,
        seed: int | None = None,
        y: Covariates = None,
        latents: Distribution | None = None,
    ) -> Distribution:
        """Return p(x|z) of which `sample` is the mean, batch shape [1, n]."""
        with seeded(seed):
            p = latents or self.marginal(y)
            z = p.sample(torch.Size((1,) if p.batch_shape else (1, n)))
        return self.decode(z, y)

    def check(self, x: Tensor) -> bool:
        """Refuse data outside the likelihood's domain; return whether all is in its support.

        Covariates that are unknown (NaN) are refused too.
        """
        self.inputs.check_known(x)
        return self.likelihood.check(self.inputs.present(x))

    def spec(self) -> Spec:
        """Return the record from which `from_spec` builds an untrained twin."""
        axes = {axis: registry.spec(getattr(self, axis)) for axis in AXES}
        sizes = {"data_shape": list(self.data_shape), "latent": self.latent}
        options = {"covariates": self.covariates, "missing": self.missing}
        return {**sizes, **axes, **{name: value for name, value in options.items() if value}}

    @classmethod
    def from_spec(cls, spec: Spec, network: Network | None = None) -> VAE:
        """Build the model of a record; `network` is needed where the record has foreign modules."""
        chosen = {axis: registry.build(axis, spec[axis]) for axis in AXES if axis != "network"}
        built = network or registry.build("network", spec["network"])
        options = {name: spec[name] for name in ("covariates", "missing") if name in spec}
        return cls(spec["data_shape"], spec["latent"], network=built, **chosen, **options)


AXES = ("network", "likelihood", "posterior", "prior")
Covariates = Float[Tensor, "batch covariates"] | None


def _full(output: Tensor) -> Tensor:
    """Return a network's output in full precision: densities are never computed in bfloat16."""
    return output.float() if output.dtype in (torch.bfloat16, torch.float16) else output
