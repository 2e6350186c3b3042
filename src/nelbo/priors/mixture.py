"""Learned mixture of Gaussians as a prior."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from nelbo.checks import count
from nelbo.distributions.gaussian_mixture import GaussianMixture
from nelbo.priors.base import Prior
from nelbo.registry import register

ENOUGH = 10_000  # latents to start from
TRIALS, ROUNDS = 4, 30
NARROWEST = 1e-4  # of all latents' variance


# p(z) = sum_k pi_k N(z; m_k, diag(s_k^2)),   pi, m and s learned
@register("prior", "mixture")
class Mixture(Prior):
    """Clusters of latents: a mixture of diagonal Gaussians, of which everything is learned.

    The means start at draws of N(0, I), so that the components differ, with unit variances and
    equal weights.

    Source: Dilokthanakul et al. 2016, Deep Unsupervised Clustering with Gaussian Mixture
    Variational Autoencoders; as a prior by itself, Tomczak & Welling 2018, equation 8.

    Args:
        components: their number, at least 1.

    Raises:
        ValueError: no component.

    Example:
        >>> prior = Mixture(components=10)
        >>> prior.setup(latent=20)
        >>> prior().sample().shape
        torch.Size([20])

    """

    def __init__(self, components: int = 10) -> None:
        super().__init__()
        self.components = count("components", components, least=1, usual=10)

    def setup(self, latent: int) -> None:
        """Create weights, means and variances."""
        self.logits = nn.Parameter(torch.zeros(self.components))
        self.mean = nn.Parameter(torch.randn(self.components, latent))
        self.logvar = nn.Parameter(torch.zeros(self.components, latent))

    # r_nk = p(k|z_n),  N_k = sum_n r_nk:   pi_k = N_k / n,  m_k = sum_n r_nk z_n / N_k,
    # s_k^2 = sum_n r_nk (z_n - m_k)^2 / N_k          Dempster, Laird & Rubin 1977, section 4.3
    @torch.no_grad()
    def start(self, x: Tensor, z: Float[Tensor, "m latent"]) -> None:
        """Begin with the best that expectation maximisation makes of latents, of a few trials.

        Each begins with means far apart.

        Args:
            x: examples, of which no use is made.
            z: latents, [m, latent]; the first 10,000 are used.
        """
        trials = [self._trial(z[:ENOUGH]) for _ in range(TRIALS)]
        self.load_state_dict(max(trials, key=lambda trial: trial[0])[1])

    def _trial(self, z: Tensor) -> tuple[float, dict[str, Tensor]]:
        """Return the mean log p(z) that a trial arrives at, and its parameters."""
        spread = z.var(0, correction=0).clamp_min(1e-12)
        self.logits.zero_()
        self.mean.copy_(_far_apart(z / spread.sqrt(), self.components) * spread.sqrt())
        self.logvar.copy_(spread.log().expand_as(self.logvar))
        for _ in range(ROUNDS):
            share = self().log_joint(z).softmax(-1)
            mass = share.sum(0).clamp_min(1e-6)
            self.logits.copy_(mass.log())
            self.mean.copy_(share.T @ z / mass[:, None])
            # one latent at a time, around its means: nothing cancels, nothing is large
            for k, mean in enumerate(self.mean.T):
                variance = (share * (z[:, k, None] - mean).square()).sum(0) / mass
                self.logvar[:, k] = variance.clamp_min(NARROWEST * spread[k]).log()
        found = {name: value.clone() for name, value in self.state_dict().items()}
        return self().log_prob(z).mean().item(), found

    def forward(self) -> GaussianMixture:
        """Return the mixture."""
        return GaussianMixture(self.logits, self.mean, torch.exp(0.5 * self.logvar))


# P(m_k = z_n) ~ min_j<k |z_n - m_j|^2                     Arthur & Vassilvitskii 2007, section 2.2
def _far_apart(z: Float[Tensor, "m latent"], count: int) -> Float[Tensor, "count latent"]:
    """Return random latents, each the likelier the farther it lies from those before it."""
    means, far = [z[0]], (z - z[0]).square().sum(-1)
    for _ in range(count - 1):
        # where all are taken, or alike, any will do
        means.append(z[int(torch.multinomial(far + torch.finfo(far.dtype).tiny, 1))])
        far = torch.minimum(far, (z - means[-1]).square().sum(-1))
    return torch.stack(means)
