"""`load`: a trained model from its run folder."""

from __future__ import annotations

from pathlib import Path

from nelbo.model import VAE
from nelbo.networks import Network
from nelbo.train.folder import RunFolder
from nelbo.train.state import set_weights


def load(path: str | Path, network: Network | None = None) -> VAE:
    """Return the trained model of a run folder, on the CPU, in evaluation mode.

    Args:
        path: the folder that `fit` or `nelbo train` wrote.
        network: the same modules again, where the run was made with `networks.Modules`.

    Raises:
        ValueError: no run here, a damaged checkpoint, or weights of another network.

    Example:
        >>> import tempfile, torch, nelbo
        >>> out = tempfile.mkdtemp()
        >>> model = nelbo.VAE(data_shape=(4,), latent=2)
        >>> run = nelbo.fit(model, torch.ones(100, 4), epochs=1, out=out, callbacks=[])
        >>> load(out).latent
        2
    """
    folder = RunFolder(path)
    model = VAE.from_spec(folder.config()["model"], network=network)
    set_weights(model, folder.weights())
    return model.eval()
