"""What tells a run's data from other data of the same size."""

from __future__ import annotations

from nelbo import registry
from nelbo.data import Indexed, Source, Transform
from nelbo.errors import BadType
from nelbo.train.checkpoint import digest


def fingerprints(train: Source, valid: Source | None) -> dict[str, str]:
    """Return a SHA-256 of the stored data and of its transform; a stream has none.

    Of data in memory it is of every byte, of files of samples of them.

    Example:
        >>> import torch
        >>> from nelbo.data import Examples
        >>> ones, zeros = Examples(torch.ones(3, 2)), Examples(torch.zeros(3, 2))
        >>> fingerprints(ones, None) == fingerprints(zeros, None)
        False
    """
    named = {"fingerprint": train, "validation_fingerprint": valid}
    return {
        name: digest({}, f"{_text(source.transform)} {source.identity()}")
        for name, source in named.items()
        if isinstance(source, Indexed)
    }


def _text(transform: Transform) -> str:
    try:
        return registry.text(registry.spec(transform))
    except BadType:  # the user's own, which nobody registered
        return type(transform).__qualname__
