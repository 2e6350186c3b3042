"""How people write a loss's arguments: in another order than nelbo's, or not at all."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from nelbo.errors import BadType

ORDER = ("x", "recon", "mu", "logvar")
_NAMES = {
    "x": {"x", "target", "targets", "input", "inputs", "data", "original", "image", "images",
          "img", "x_true", "y_true", "batch", "real", "true"},
    "recon": {"recon", "x_hat", "xhat", "x_recon", "recon_x", "x_rec", "rec", "output", "outputs",
              "y", "y_hat", "y_pred", "x_logits", "logits", "decoded", "pred", "out", "x_mean",
              "x_out", "reconstruction", "reconstructed", "x_reconstructed", "recon_batch"},
    "mu": {"mu", "mean", "means", "z_mean", "z_mu", "mu_z", "q_mu", "m"},
    "logvar": {"logvar", "log_var", "lnvar", "ln_var", "z_logvar", "z_log_var", "logvar_z",
               "log_variance", "logsigma2", "log_sigma2", "lv"},
}  # fmt: skip


def ordered(loss: Any, name: str) -> tuple[Callable[..., Any], str]:
    """Return the loss as loss(x, recon, mu, logvar), and how it is called.

    Where the names of its parameters tell another order, that one is used.

    Raises:
        TypeError: it is no function, or does not take four arguments.

    Example:
        >>> def old(recon_x, x, mu, logvar):
        ...     return recon_x
        >>> loss, said = ordered(old, "old")
        >>> loss(1, 2, 3, 4), said
        (2, 'old(recon_x, x, mu, logvar)')
    """
    if not callable(loss) or inspect.isclass(loss):
        kind, fix = f"{loss!r}"[:60], "Name a function of (x, recon, mu, logvar)."
        if inspect.isclass(loss):
            kind, fix = "a class", f"Name an object of it: my_loss = {name}(...)."
        raise BadType(name, expected="a function", got=kind, fix=fix)
    try:
        signature = inspect.signature(loss)
    except (TypeError, ValueError):  # written in C: only calling tells
        return loss, f"{name}({', '.join(ORDER)})"
    _check_four(signature, name)
    names = [p.name for p in signature.parameters.values()][:4]
    roles = [_role(parameter) for parameter in names]
    if sorted(roles) != sorted(ORDER):
        return loss, f"{name}({', '.join(ORDER)})"
    places = [ORDER.index(role) for role in roles]
    if places == [0, 1, 2, 3]:
        return loss, f"{name}({', '.join(names)})"
    return lambda *given: loss(*(given[i] for i in places)), f"{name}({', '.join(names)})"


def _role(name: str) -> str:
    return next((role for role, known in _NAMES.items() if name.lower() in known), "")


def _check_four(signature: inspect.Signature, name: str) -> None:
    try:
        signature.bind(*ORDER)
    except TypeError:
        got = f"{name}{signature}"
        required = [p for p in signature.parameters.values() if p.default is p.empty]
        fix = "Wrap it in a function of these four."
        if len(required) < 4:
            fix = f"If it makes the loss, add a line such as loss = {name}(...) and name that."
        if [p.name for p in required] == ["x"]:
            fix = "A whole training step is audited in Python, by nelbo.audit_step."
        raise BadType(
            name, expected="a function of (x, recon, mu, logvar)", got=got, fix=fix
        ) from None
