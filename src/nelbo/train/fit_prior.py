"""`fit_prior`: another prior for a trained model, fitted to the latents of its data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nelbo.data import as_source
from nelbo.model import VAE
from nelbo.priors import Prior
from nelbo.rng import seeded
from nelbo.train.beliefs import versions
from nelbo.train.callbacks import Callback, ProgressDisplay
from nelbo.train.checkpoint import digest
from nelbo.train.checks import check_settings
from nelbo.train.fingerprint import fingerprints
from nelbo.train.folder import RunFolder, join
from nelbo.train.interruption import interruption
from nelbo.train.latents import Latents
from nelbo.train.prior_loop import PriorLoop

MAXIMISED = "log p(z) at latents drawn from q(z|x)"


# max over p(z) of E_x E_q(z|x) log p(z): of the ELBO, all that depends on the prior
def fit_prior(
    model: VAE,
    data: Any,
    prior: Prior,
    *,
    epochs: int = 10,
    batch: int = 100,
    lr: float = 1e-3,
    seed: int = 0,
    out: str | Path | None = None,
    callbacks: Sequence[Callback] | None = None,
    about: Mapping[str, Any] | None = None,
) -> VAE:
    """Return a copy of a trained model whose prior is a new one, fitted to the latents of data.

    Encoder, decoder and posterior stay as they are. The prior then leads to where the decoder was
    trained, so that samples get better, and the ELBO rises by as much as E log p(z) does. A
    deterministic model, which has no ELBO, can be sampled from thereafter.

    Latents are drawn anew for each epoch and held in memory, 4 bytes a number. A tenth of the
    examples is held out; the weights of the epoch that suits it best are kept, of all epochs and of
    the start.

    Source: Ghosh et al. 2020, From variational to deterministic autoencoders, section 4; what
    falls is KL(q(z) || p(z)) of Hoffman & Johnson 2016, ELBO surgery, equation 11.

    Args:
        model: a trained model, which stays as it is.
        data: what it was trained on, in any form that `nelbo.fit` takes.
        prior: what to fit; a copy of it, untrained, becomes part of the new model.
        epochs: passes over the latents.
        batch: latents a step.
        lr: Adam's first step size; it falls to 0 as a cosine.
        seed: of the prior's weights, of the latents and of their order.
        out: folder of the new model, which `nelbo.load` reads; written when all is done.
        callbacks: who is told of each epoch (`on_note`); by default standard error.
        about: what else `config.json` shall record of the data.

    Returns:
        the new model, in evaluation mode.

    Raises:
        TypeError, ValueError: something is wrong with an argument, such as a prior with another
            base measure, or one that has nothing to learn.
        RuntimeError: a density is not finite, or the folder cannot be written.

    Example:
        >>> import torch, nelbo
        >>> model = nelbo.VAE(data_shape=(4,), latent=2)
        >>> mixture = nelbo.priors.Mixture(components=3)
        >>> sampler = fit_prior(model, torch.rand(200, 4).round(), mixture, callbacks=[])
        >>> sampler.sample(5).shape
        torch.Size([5, 4])
    """
    settings = {"epochs": epochs, "batch": batch, "lr": lr, "seed": seed}
    check_settings(
        {**settings, "clip": None, "patience": None, "precision": "fp32"}, None, 0, False
    )
    source, folder = as_source(data), None if out is None else RunFolder(out)
    if folder is not None:
        folder.check_new()
    with seeded(seed):
        fitted = model.with_prior(prior).eval()
        latents = Latents(fitted, source, seed)
        latents.check_same(model)
        loop = PriorLoop(
            latents, epochs, batch, lr, [ProgressDisplay()] if callbacks is None else callbacks
        )
        history = loop.run()
    if folder is not None:
        stored = {} if about and "checksum" in about else fingerprints(source, None)
        config = {
            "model": fitted.spec(),
            "objective": MAXIMISED,
            "train": settings,
            "data": {"examples": source.size, **stored, **(about or {})},
            "fitted_to": {"weights": _digest(model)},
            "versions": versions(),
        }
        _write(folder, fitted, config, history)
    return fitted


def _write(
    folder: RunFolder, model: VAE, config: Mapping[str, Any], history: Sequence[Mapping[str, float]]
) -> None:
    """Write the whole folder; Ctrl-C waits."""
    weights = model.state_dict()
    room = 2 * sum(t.numel() * t.element_size() for t in weights.values()) + 2**20
    with interruption():
        try:
            folder.create(config, room)
            folder.write_metrics(history)
            folder.save_best(join({"model": weights}), {"epochs": len(history) - 1})
        finally:
            folder.lock.release()


def _digest(model: VAE) -> str:
    """Return what tells these weights from all others, hexadecimal."""
    return digest({name: t.detach().cpu() for name, t in model.state_dict().items()}, "")
