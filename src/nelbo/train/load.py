"""`load`: a trained model from its run folder."""

from __future__ import annotations

from pathlib import Path

from nelbo.errors import BadValue
from nelbo.model import VAE
from nelbo.networks import Network
from nelbo.train.folder import RunFolder


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
    try:
        model.load_state_dict(folder.weights())
    except RuntimeError as error:
        raise BadValue(
            f"run {path}",
            expected="weights of the model in its config.json",
            got=f"'{str(error).splitlines()[1].strip()}'",
            fix="Pass the same network as in training.",
        ) from None
    return model.eval()
