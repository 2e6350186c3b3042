"""`Codebook`: code vectors that follow the vectors for which they stand."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from nelbo.checks import alone, count, within
from nelbo.errors import BadValue


# N_i <- g N_i + (1 - g) n_i,   m_i <- g m_i + (1 - g) sum_j z_ij,   e_i <- m_i / N_i
#                                                     van den Oord et al. 2017, equations 6, 7 and 8
class Codebook(nn.Module):
    """Code vectors, each a running mean of the vectors that are nearest to it: online k-means.

    They begin as vectors of the first training batch. A code that is not chosen any more begins
    anew at a vector of the batch at hand. None of this is learned by gradient, and in evaluation
    mode nothing moves.

    Source: van den Oord et al. 2017, Neural discrete representation learning, appendix A.1;
    Dhariwal et al. 2020, Jukebox, section 3.1 (random restarts).

    Args:
        codes: how many, at least 2.
        dim: numbers a code vector has.
        decay: g, in [0, 1).
        restart: a code begins anew when so many vectors a code have come without its being
            nearest to any; infinity for never.
    """

    vectors: Tensor
    count: Tensor
    idle: Tensor
    batches: Tensor

    def __init__(self, codes: int, dim: int, decay: float, restart: float) -> None:
        super().__init__()
        self.codes, self.dim, self.decay, self.restart = codes, dim, decay, restart
        self.register_buffer("vectors", torch.randn(codes, dim))
        self.register_buffer("count", torch.ones(codes))
        self.register_buffer("idle", torch.zeros(codes))
        self.register_buffer("batches", torch.tensor(0))

    @torch.no_grad()
    def nearest(self, z: Float[Tensor, "*shape dim"]) -> Int[Tensor, "*shape"]:
        """Return which code is nearest to each vector."""
        return _nearest(z, self.vectors)

    @torch.no_grad()
    def learn(self, z: Float[Tensor, "n dim"]) -> None:
        """Move the codes towards the vectors of a training batch."""
        if not len(z):
            return
        fix = "Launch one, or use the posterior 'fsq', whose codes do not move."
        alone("posterior with a codebook", "codebooks", fix)
        fresh = self._fresh(z)
        vectors = torch.where(self.batches == 0, fresh, self.vectors)
        share = torch.full_like(self.count, len(z) / self.codes)  # what a new code is worth
        count = torch.where(self.batches == 0, share, self.count)
        chosen = _nearest(z, vectors)
        hits = torch.zeros_like(count).index_add(0, chosen, torch.ones_like(z[:, 0]))
        sums = torch.zeros_like(vectors).index_add(0, chosen, z)
        # m_i / N_i, written as a step from e_i = m_i / N_i: a code that is not hit stays put
        count = self.decay * count + (1 - self.decay) * hits
        step = (1 - self.decay) * (sums - hits[:, None] * vectors)
        vectors = vectors + step / count.clamp_min(torch.finfo(count.dtype).tiny)[:, None]
        idle = torch.where(hits > 0, 0.0, self.idle + share)
        dead = idle > self.restart
        self.vectors.copy_(torch.where(dead[:, None], fresh, vectors))
        self.count.copy_(torch.where(dead, share, count))
        self.idle.copy_(torch.where(dead, 0.0, idle))
        self.batches += 1

    def _fresh(self, z: Tensor) -> Tensor:
        """Return random vectors of a batch, [codes, dim], each as often as the others."""
        order = torch.rand(len(z), device=z.device).argsort()
        return z[order[torch.arange(self.codes, device=z.device) % len(z)]]


def checked(codes: int, decay: float, restart: float) -> None:
    """Refuse what makes no codebook.

    Raises:
        ValueError: fewer than two codes, a decay outside [0, 1), a restart that is not positive.
    """
    count("codes", codes, least=2, usual=512)
    within("decay", decay, "[0, 1)", fix="Try 0.99.")
    if not 0 < restart <= math.inf:
        raise BadValue("restart", expected="a positive number", got=restart, fix="Try 20.")


def enough(codes: int, vectors: int) -> None:
    """Refuse a codebook with more codes than there are vectors to stand for.

    Raises:
        ValueError: there are too few.
    """
    if codes > vectors:
        raise BadValue(
            "codes",
            expected=f"at most {vectors}, as many as the training data has vectors",
            got=codes,
            fix=f"Try codes={max(2, vectors // 10)}.",
        )


def _nearest(z: Tensor, vectors: Tensor) -> Tensor:
    # in full precision and by differences: a code vector's nearest code must be itself
    with torch.autocast(z.device.type, enabled=False):
        rows = z.reshape(-1, z.shape[-1]).to(vectors)
        far = torch.cdist(rows, vectors, compute_mode="donot_use_mm_for_euclid_dist")
        return far.argmin(-1).view(z.shape[:-1])
