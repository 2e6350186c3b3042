"""`load` and `load_objective`: from a run folder, the model, and what its objective learned."""

from __future__ import annotations

from pathlib import Path

from nelbo import registry
from nelbo.errors import BadValue
from nelbo.model import VAE
from nelbo.networks import MLP, Network
from nelbo.objectives import Objective
from nelbo.train.folder import RunFolder
from nelbo.train.learning import learning_of
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


def load_objective(path: str | Path) -> Objective:
    """Return the objective of a run folder with what it learned, on the CPU, in evaluation mode.

    Such as the classifier of 'm2'; under early stopping that of the best epoch, like the model.

    Args:
        path: the folder that `fit` or `nelbo train` wrote.

    Raises:
        ValueError: no run here, a damaged checkpoint, or the folder of a fitted prior.

    Example:
        >>> import tempfile, torch, nelbo
        >>> out, objective = tempfile.mkdtemp(), nelbo.objectives.M2(hidden=(8,))
        >>> rows = nelbo.data.beside(torch.ones(100, 4), [0, 1, -1, -1] * 25)
        >>> model = nelbo.VAE(data_shape=(4,), latent=2, covariates=2)
        >>> run = nelbo.fit(model, rows, objective=objective, epochs=1, out=out, callbacks=[])
        >>> load_objective(out).classify(rows[:3]).shape
        torch.Size([3, 2])
    """
    folder = RunFolder(path)
    config = folder.config()
    if "fitted_to" in config:
        expected, fix = "a run of nelbo.fit", "Give the run that the prior was fitted to."
        raise BadValue(f"run {path}", expected=expected, got="that of a fitted prior", fix=fix)
    objective = registry.build("objective", config["objective"])
    # an objective asks of the model its sizes alone
    learning = learning_of(objective, VAE.from_spec(config["model"], network=MLP()), seed=0)
    if learning is not None:
        set_weights(learning, folder.weights("objective"))
        learning.eval()
    return objective
