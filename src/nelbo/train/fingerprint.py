"""What tells a run's data from other data of the same size."""

from __future__ import annotations

from nelbo import registry
from nelbo.data import Examples, Source, Transform
from nelbo.errors import BadType
from nelbo.train.checkpoint import digest


def fingerprints(train: Source, valid: Source | None) -> dict[str, str]:
    """Return the SHA-256 of what lies in memory and of its transform; a stream has none.

    Example:
        >>> import torch
        >>> ones, zeros = Examples(torch.ones(3, 2)), Examples(torch.zeros(3, 2))
        >>> fingerprints(ones, None) == fingerprints(zeros, None)
        False
    """
    named = {"fingerprint": train, "validation_fingerprint": valid}
    return {
        name: digest({"array": source.array.cpu()}, _text(source.transform))
        for name, source in named.items()
        if isinstance(source, Examples)
    }


def _text(transform: Transform) -> str:
    try:
        return registry.text(registry.spec(transform))
    except BadType:  # the user's own, which nobody registered
        return type(transform).__qualname__
