"""The fix in three lines each of Chainer, PyTorch and Keras, and in nelbo."""

from __future__ import annotations

from dataclasses import dataclass

from nelbo.compare.results import Comparison
from nelbo.report.words import Words

# |x - y|^2 / (2 sigma^2) + KL(q || p), per example; then one mean over the examples.
_LINES = {
    "Chainer": (
        "reconstruction = F.sum((x - y) ** 2) / (2 * variance * len(x))",
        "kl = F.gaussian_kl_divergence(mu, ln_var) / len(x)",
        "loss = reconstruction + kl",
    ),
    "PyTorch": (
        "reconstruction = ((x - y) ** 2).flatten(1).sum(1) / (2 * variance)",
        "kl = 0.5 * (mu**2 + logvar.exp() - logvar - 1).sum(1)",
        "loss = (reconstruction + kl).mean()",
    ),
    "Keras": (
        "reconstruction = ops.sum((x - y) ** 2, axis={axes}) / (2 * variance)",
        "kl = 0.5 * ops.sum(mu**2 + ops.exp(logvar) - logvar - 1, axis=1)",
        "loss = ops.mean(reconstruction + kl)",
    ),
}


@dataclass(frozen=True)
class Fix:
    """Three lines for one framework."""

    framework: str
    code: str


def fixes(c: Comparison, words: Words) -> list[Fix]:
    """Return the lines to copy, with the axes of this data and comments in the page's language."""
    axes = ", ".join(str(i) for i in range(1, len(c.data_shape) + 1))
    axes = f"({axes})" if len(c.data_shape) > 1 else axes
    found = []
    for framework, (reconstruction, kl, loss) in _LINES.items():
        lines = (
            f"{reconstruction.replace('{axes}', axes)}  # {words('fix.sum')}",
            kl,
            f"{loss}  # {words('fix.mean')}" if framework != "Chainer" else loss,
        )
        found.append(Fix(framework, "\n".join(lines)))
    return found


NELBO = """model = nelbo.VAE(data_shape={shape}, latent={latent},
                  likelihood=nelbo.likelihoods.Gaussian(sigma="learned"))"""


def nelbo_lines(c: Comparison, latent: int | None) -> str:
    """Return the same in nelbo."""
    return NELBO.format(shape=tuple(c.data_shape), latent=latent or 20)
