"""Autoregressive prior over codes."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from nelbo.checks import count
from nelbo.distributions.codes import CODES, CodeSequences, Connection, connected, connection
from nelbo.priors.base import Prior
from nelbo.registry import register


# p(k_1, ..., k_G) = prod_g p(k_g | k_1, ..., k_{g-1})
# p(k_g | ...) = softmax(V_g h_g + b_g),   h_g = tanh(c_g + sum_{j < g} W_j[k_j])
@register("prior", "autoregressive_codes")
class AutoregressiveCodes(Prior):
    """Each code given those before it, by a small network (NADE); it begins as uniform.

    Learned jointly with the model, or afterwards on the codes of the data: codes have no gradient,
    so that the rest of the model does not hear of it either way.

    Source: Larochelle & Murray 2011, The neural autoregressive distribution estimator, equations
    2 and 3; van den Oord et al. 2017, Neural discrete representation learning, section 3.3.

    Args:
        hidden: size of the hidden layer, at least 1.

    Raises:
        ValueError: no hidden units, or the posterior's latents are no codes.

    Example:
        >>> import nelbo
        >>> posterior, prior = nelbo.posteriors.FSQ(levels=(3, 3)), AutoregressiveCodes(hidden=16)
        >>> model = nelbo.VAE(data_shape=(4,), latent=6, posterior=posterior, prior=prior)
        >>> model.sample(5).shape
        torch.Size([5, 4])

    """

    base_measure = CODES

    def __init__(self, hidden: int = 128) -> None:
        super().__init__()
        self.hidden = count("hidden", hidden, least=1, usual=128)

    def setup(self, latent: int) -> None:
        """Take note of the number of latents."""
        self.latent, self._posterior = latent, Connection()

    def connect(self, posterior: nn.Module, data_shape: tuple[int, ...], covariates: int) -> None:
        """Create the network for the posterior's codes."""
        self._posterior = connection(self, posterior)
        groups, codes = self._posterior[0].groups, self._posterior[0].codes
        self.seen = nn.Parameter(torch.randn(groups, codes, self.hidden) / groups**0.5)
        self.context = nn.Parameter(0.1 * torch.randn(groups, self.hidden))
        self.weight = nn.Parameter(torch.zeros(groups, self.hidden, codes))
        self.bias = nn.Parameter(torch.zeros(groups, codes))

    def forward(self) -> CodeSequences:
        """Return p(z)."""
        quantiser = connected(self, self._posterior)
        return CodeSequences(quantiser, self.latent, self._log_mass, self._draw)

    def _log_mass(self, indices: Int[Tensor, "n groups"]) -> Float[Tensor, " n"]:
        every = torch.arange(indices.shape[1], device=indices.device)
        before = self.seen[every, indices].cumsum(1)
        # a code does not see itself: what came before the first is nothing
        before = torch.cat((torch.zeros_like(before[:, :1]), before[:, :-1]), dim=1)
        hidden = torch.tanh(self.context + before)
        logits = torch.einsum("ngh,ghc->ngc", hidden, self.weight) + self.bias
        return F.log_softmax(logits, -1).gather(-1, indices[..., None]).sum((1, 2))

    def _draw(self, n: int) -> Int[Tensor, "n groups"]:
        before, drawn = self.context.new_zeros(n, self.hidden), list[Tensor]()
        for g in range(len(self.context)):
            logits = torch.tanh(self.context[g] + before) @ self.weight[g] + self.bias[g]
            drawn.append(torch.multinomial(logits.softmax(-1), 1)[:, 0])
            before = before + self.seen[g, drawn[-1]]
        return torch.stack(drawn, dim=1)
