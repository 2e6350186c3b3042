"""Decoder sensitivity: in how many directions of the latent space do the outputs move?"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from nelbo.data import Source
from nelbo.evaluate.base import Decodable, Estimator, Evaluable, batches, decodable
from nelbo.evaluate.estimate import Estimate
from nelbo.evaluate.jackknife import Blocks

STEP = 0.03  # of a central difference: its error is about STEP^2, and rounding adds 1e-7 / STEP
LEAST_VARIANCE = 1e-6  # of a bounded feature at its edge, where J'V^-1 J would be 0 / 0
DIRECTIONS = 32  # latents moved at once
ELEMENTS = 2**24  # of Jacobians in memory at once


# G = E_q(z) [ J(z)' V(z)^-1 J(z) ],   J = d E[x|z] / dz,   V = Var[x|z]
# effective rank = exp(- sum_k p_k log p_k),   p_k = lambda_k / sum_j lambda_j   Roy & Vetterli 2007
@dataclass(frozen=True)
class DecoderSensitivity(Estimator):
    """`decoder_sensitivity`, the trace of G, and `effective_rank`, the number of its directions.

    G is the mean Fisher information that an output holds about its latents, at latents drawn from
    the posterior. The parts of `decoder_sensitivity` are its eigenvalues, descending: about 1 is
    what separates a direction that the posterior knows more of than the prior from one that it
    does not. The Jacobian comes from central differences of step 0.03, so that any decoder will
    do.

    Source: Roy & Vetterli 2007, The effective rank: a measure of effective dimensionality.

    Args:
        examples: how many of the data's first examples take part.
        batch: examples at a time; each is decoded twice for every latent.

    Raises:
        TypeError: the model has no `decode`.

    Example:
        >>> import torch, nelbo
        >>> model = nelbo.VAE(data_shape=(4,), latent=2)
        >>> found = nelbo.evaluate(model, torch.ones(40, 4), [DecoderSensitivity()])
        >>> 1 <= found["effective_rank"].value <= 2
        True
    """

    examples: int = 64
    batch: int = 64

    def __call__(self, model: Evaluable, data: Source) -> tuple[Estimate, ...]:
        """Return the trace with its spectrum, and the effective rank."""
        blocks, decoder = Blocks(), decodable(model)
        for x in batches(model, data, self.batch):
            z = model.terms(x[: self.examples - blocks.examples]).z[0]
            blocks.add(torch.cat([_information(decoder, some) for some in _parts(z, x)]))
            if blocks.examples >= self.examples:
                break
        trace, trace_error = blocks.jackknife(lambda means: _spectrum(means).sum())
        rank, rank_error = blocks.jackknife(lambda means: effective_rank(_spectrum(means)))
        parts = tuple(_spectrum(blocks.means).tolist())
        found = Estimate(
            "decoder_sensitivity",
            float(trace),
            "squared deviations of the noise per squared unit of z",
            float(trace_error),
            blocks.examples,
            1,
        )
        return (
            replace(found, parts=parts),
            Estimate(
                "effective_rank",
                float(rank),
                f"of {len(parts)} directions",
                float(rank_error),
                blocks.examples,
                1,
            ),
        )


def effective_rank(spectrum: Float[Tensor, " k"]) -> Float[Tensor, ""]:
    """Return the exponential of the entropy of a spectrum; 0 of one that is 0.

    Example:
        >>> float(effective_rank(torch.tensor([2.0, 2.0, 0.0])))
        2.0
    """
    total = spectrum.sum()
    if not bool(total > 0):
        return torch.zeros_like(total)
    return torch.exp(torch.special.entr(spectrum / total).sum())


def _parts(z: Float[Tensor, "b k"], x: Tensor) -> tuple[Tensor, ...]:
    """Return the latents in parts whose Jacobians fit into memory."""
    return z.split(max(1, ELEMENTS // (z.shape[1] * x[0].numel())))


def _information(model: Decodable, z: Float[Tensor, "b k"]) -> Float[Tensor, "b kk"]:
    """Return J' V^-1 J at each latent, flat."""
    scaled = _scaled_jacobian(model, z)
    return torch.einsum("bkd,bld->bkl", scaled, scaled).flatten(1)


def _spectrum(means: Float[Tensor, " kk"]) -> Float[Tensor, " k"]:
    latent = round(len(means) ** 0.5)
    return torch.linalg.eigvalsh(means.reshape(latent, latent)).flip(0).clamp_min(0.0)


def _scaled_jacobian(model: Decodable, z: Float[Tensor, "b k"]) -> Float[Tensor, "b k d"]:
    """Return V^-1/2 J at each latent, by central differences."""
    moves = torch.eye(z.shape[1], dtype=z.dtype, device=z.device) * STEP
    columns = []
    for some in moves.split(DIRECTIONS):
        up, down = (_mean(model, z + sign * some[:, None]) for sign in (1.0, -1.0))
        columns.append((up - down) / (2 * STEP))
    variance = model.decode(z[None]).variance[0].flatten(1).cpu().double()
    noise = variance.clamp_min(LEAST_VARIANCE).sqrt()
    return torch.cat(columns).transpose(0, 1) / noise[:, None]


def _mean(model: Decodable, z: Float[Tensor, "s b k"]) -> Float[Tensor, "s b d"]:
    return model.decode(z).mean.flatten(2).cpu().double()
