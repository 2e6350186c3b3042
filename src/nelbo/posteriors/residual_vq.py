"""Residual vector-quantised posterior."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from nelbo.checks import count, whole
from nelbo.distributions.codes import CODES, LearnedCodes
from nelbo.posteriors.base import Posterior
from nelbo.posteriors.codebook import Codebook, checked, enough
from nelbo.registry import register


# s_0 = 0,   k_l = argmin_j |encoder(x) - s_{l-1} - e_{l,j}|^2,   s_l = s_{l-1} + e_{l,k_l}
# z = (s_1, ..., s_L)
@register("posterior", "residual_vq")
class ResidualVQ(Posterior):
    """The encoder's output becomes a sum of codes, one a level, each of what the last left over.

    The latents are all the partial sums, coarse to fine: the last is the paper's, and those before
    it make the latents tell which codes they are (a sum alone may be that of other codes too, and
    p(z) would be another mass than p(codes)). The encoder's output so has `latent / levels`
    numbers. Codebooks are running means, and the objective is 'vq_elbo'.

    Source: Zeghidour et al. 2021, SoundStream, algorithm 1; Hosking, Tang & Lapata 2022,
    Hierarchical sketch induction for paraphrase generation (HRQ-VAE), section 3.2.

    Args:
        codes: size of the codebook of each level, at least 2.
        levels: how many codes are summed, at least 1; `latent` is a multiple of it.
        decay: g of each codebook's running means, in [0, 1).
        restart: after how many vectors a code that is nearest to none begins anew, in multiples
            of `codes`; infinity for never.

    Raises:
        ValueError: a value out of its range, or `levels` does not divide `latent`.

    Example:
        >>> posterior = ResidualVQ(codes=8, levels=3)
        >>> posterior.setup(latent=12)
        >>> posterior(torch.randn(100, 4)).rsample().shape
        torch.Size([100, 12])

    """

    base_measure = CODES

    def __init__(
        self, codes: int = 256, levels: int = 4, decay: float = 0.99, restart: float = 20.0
    ) -> None:
        super().__init__()
        checked(codes, decay, restart)
        self.codes, self.levels = codes, count("levels", levels, least=1, usual=4)
        self.decay, self.restart = decay, restart
        self.groups = self.books = levels
        self.codebooks = nn.ModuleList()

    def setup(self, latent: int) -> None:
        """Create the codebooks."""
        dim = whole("the number of levels", latent, self.levels)
        books = (Codebook(self.codes, dim, self.decay, self.restart) for _ in range(self.levels))
        self.codebooks = nn.ModuleList(books)

    def check_examples(self, examples: int) -> None:
        """Refuse codebooks larger than the data."""
        enough(self.codes, examples)

    def parameter_shape(self, latent: int) -> tuple[int, ...]:
        """Return (latent / levels,): what is quantised."""
        return (whole("the number of levels", latent, self.levels),)

    def forward(self, parameters: Float[Tensor, "batch dim"]) -> LearnedCodes:
        """Return q(z|x), the partial sums of the codes."""
        left, found = parameters.detach(), list[Tensor]()
        for book in self._books():
            if self.training:
                book.learn(left)
            found.append(book.nearest(left))
            left = left - book.vectors[found[-1]]
        indices = torch.stack(found, dim=-1)
        encoded = parameters.repeat(1, self.levels)
        return LearnedCodes(encoded, self.vectors(indices), indices, self)

    def indices(self, z: Float[Tensor, "*shape latent"]) -> Int[Tensor, "*shape groups"]:
        """Return the codes whose partial sums the latents are."""
        sums = z.unflatten(-1, (self.levels, -1))
        steps = torch.diff(sums, dim=-2, prepend=torch.zeros_like(sums[..., :1, :]))
        pairs = zip(self._books(), steps.unbind(-2), strict=True)
        return torch.stack([book.nearest(step) for book, step in pairs], dim=-1)

    def vectors(self, indices: Int[Tensor, "*shape groups"]) -> Float[Tensor, "*shape latent"]:
        """Return the partial sums of the codes, side by side."""
        pairs = zip(self._books(), indices.unbind(-1), strict=True)
        steps = torch.stack([book.vectors[index] for book, index in pairs], dim=-2)
        return steps.cumsum(-2).flatten(-2)

    def _books(self) -> list[Codebook]:
        return [book for book in self.codebooks if isinstance(book, Codebook)]
