"""Vector-quantised posterior."""

from __future__ import annotations

from jaxtyping import Float, Int
from torch import Tensor

from nelbo.checks import count, whole
from nelbo.distributions.codes import CODES, LearnedCodes
from nelbo.posteriors.base import Posterior
from nelbo.posteriors.codebook import Codebook, checked, enough
from nelbo.registry import register


# z_g = e_k,   k = argmin_j |encoder(x)_g - e_j|^2
@register("posterior", "vq")
class VQ(Posterior):
    """Every vector of the encoder's output becomes the nearest of a codebook.

    The latents are `latent / dim` vectors of `dim` numbers, all from one codebook, so that an
    example takes `latent / dim * log(codes)` nats under the prior 'uniform_codes'. The codebook
    follows the encoder as a running mean; that the encoder stays near its codes is the business
    of the objective 'vq_elbo'. In training the codebook first learns from a batch, which is then
    quantised with it.

    Source: van den Oord, Vinyals & Kavukcuoglu 2017, Neural discrete representation learning,
    equations 1 and 2, and appendix A.1.

    Args:
        codes: size of the codebook, at least 2.
        dim: numbers a code vector has; `latent` is a multiple of it.
        decay: of the running means, in [0, 1).
        restart: a code begins anew, at a vector of the batch, when so many vectors a code have
            come without its being nearest to any; infinity for never.

    Raises:
        ValueError: a value out of its range, or `latent` is no multiple of `dim`.

    Example:
        >>> import torch
        >>> posterior = VQ(codes=8, dim=2)
        >>> posterior.setup(latent=6)
        >>> q = posterior(torch.randn(100, 6))
        >>> q.indices.shape
        torch.Size([100, 3])

    """

    base_measure = CODES
    books = 1

    def __init__(
        self, codes: int = 512, dim: int = 4, decay: float = 0.99, restart: float = 20.0
    ) -> None:
        super().__init__()
        checked(codes, decay, restart)
        self.codes, self.dim = codes, count("dim", dim, least=1, usual=4)
        self.decay, self.restart, self.groups = decay, restart, 1
        self.codebook = Codebook(codes, dim, decay, restart)

    def setup(self, latent: int) -> None:
        """Split the latents into vectors."""
        self.groups = whole("the size of a code vector (dim)", latent, self.dim)

    def check_examples(self, examples: int) -> None:
        """Refuse a codebook larger than the data."""
        enough(self.codes, examples * self.groups)

    def parameter_shape(self, latent: int) -> tuple[int, ...]:
        """Return (latent,): what is quantised."""
        return (latent,)

    def forward(self, parameters: Float[Tensor, "batch latent"]) -> LearnedCodes:
        """Return q(z|x), the codes nearest to the encoder's output."""
        if self.training:
            self.codebook.learn(self._split(parameters).flatten(0, 1).detach())
        indices = self.indices(parameters)
        return LearnedCodes(parameters, self.vectors(indices), indices, self)

    def indices(self, z: Float[Tensor, "*shape latent"]) -> Int[Tensor, "*shape groups"]:
        """Return the nearest code of each vector."""
        return self.codebook.nearest(self._split(z))

    def vectors(self, indices: Int[Tensor, "*shape groups"]) -> Float[Tensor, "*shape latent"]:
        """Return the code vectors, side by side."""
        return self.codebook.vectors[indices].flatten(-2)

    def _split(self, z: Tensor) -> Tensor:
        return z.unflatten(-1, (-1, self.dim))
