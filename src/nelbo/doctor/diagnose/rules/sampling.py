"""Does the user's sampling draw from the posterior that the encoder states?"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from nelbo.doctor.diagnose.case import Case
from nelbo.doctor.finding import Finding

DRAWS = 4000
# deviations are known to 1/sqrt(2 * DRAWS) = 1.1%; a right sampler passes at nine times that
TOLERANCE = 0.1
LOGVARS = (-3.0, -1.0, 0.5, 1.5)

# what people write in place of exp(logvar / 2), and what to say about it
WRITTEN: dict[str, Callable[[float], float]] = {
    "exp(logvar)": math.exp,
    "logvar": abs,
    "logvar / 2": lambda v: abs(v) / 2,
    "sqrt(exp(logvar / 2))": lambda v: math.exp(v / 4),
    "1": lambda v: 1.0,
    "softplus(logvar)": lambda v: math.log1p(math.exp(v)),
    "exp(-logvar / 2)": lambda v: math.exp(-v / 2),
}


def sampling(case: Case) -> Iterator[Finding]:
    """Find latents that are drawn with another deviation, another mean, or no gradient."""
    if case.adapter is None or case.adapter.sampling is None:
        return
    mu = torch.full((DRAWS, case.latent), 0.7).requires_grad_()
    seen, means, attached = {}, [], True
    for logvar in LOGVARS:
        with torch.enable_grad():
            z = case.adapter.sampling(mu, torch.full_like(mu, logvar).detach().requires_grad_())
            attached = attached and _passes(z, mu)
        z = z.detach().double()
        seen[logvar], means = float(z[:, 0].std()), [*means, float(z[:, 0].mean())]
    yield from _scale(seen)
    yield from _centre(seen, means)
    if not attached and case.encoding.trainable:
        yield Finding(
            "sampling_detached",
            "error",
            "The encoder does not learn to reconstruct: no gradient passes from the sampled "
            "latents to mu and logvar, so that it hears of the KL alone.",
            {"slope of z against mu": 0.0},
            "Reparameterise: z = mu + exp(0.5 * logvar) * torch.randn_like(mu), or q.rsample().",
        )


def _passes(z: Tensor, mu: Tensor) -> bool:
    """Return whether a gradient goes from the latents to their means (one that is 0 does not)."""
    if not z.requires_grad:
        return False
    (slope,) = torch.autograd.grad(z.sum(), mu, allow_unused=True)
    return slope is not None and bool((slope != 0).any())


def _scale(seen: dict[float, float]) -> Iterator[Finding]:
    right = {logvar: math.exp(0.5 * logvar) for logvar in seen}
    if _agrees(seen, right):
        return
    written = next(
        (name for name, f in WRITTEN.items() if _agrees(seen, {v: f(v) for v in seen})), None
    )
    factor = sum(seen[v] / right[v] for v in seen) / len(seen)
    if all(deviation < 1e-6 for deviation in seen.values()):
        written = "0"
    elif written is None and _agrees(seen, {v: factor * right[v] for v in seen}):
        written = f"{factor:.2g} * exp(logvar / 2)"
    said = f"it is {written}" if written else "it is another function of logvar"
    yield Finding(
        "sampling_scale",
        "error",
        "The latents are not drawn with the standard deviation exp(logvar / 2) that belongs to "
        f"logvar: {said}. The KL then speaks of another posterior than the one that is decoded.",
        {f"deviation drawn at logvar = {v:g}": round(d, 4) for v, d in seen.items()}
        | {f"exp(logvar / 2) at {v:g}": round(d, 4) for v, d in right.items()},
        "z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu).",
    )


def _agrees(seen: dict[float, float], expected: dict[float, float]) -> bool:
    return all(abs(seen[v] - expected[v]) <= TOLERANCE * expected[v] for v in seen)


def _centre(seen: dict[float, float], means: list[float]) -> Iterator[Finding]:
    wrong = [
        mean
        for mean, deviation in zip(means, seen.values(), strict=True)
        if abs(mean - 0.7) > 6 * deviation / DRAWS**0.5 + 1e-4
    ]
    if wrong:
        yield Finding(
            "sampling_centre",
            "error",
            "The latents are not drawn around mu.",
            {"mu": 0.7, "mean of the latents drawn": round(wrong[0], 4)},
            "z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu).",
        )
