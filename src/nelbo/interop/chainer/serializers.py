"""Chainer's weight files, both ways: `le1.weight` here is `le1/W` there, `le1.bias` is `le1/b`."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from nelbo.errors import BadType, BadValue
from nelbo.files import write_atomically
from nelbo.interop.chainer.archive import File, read_arrays

__all__ = ["load_npz", "save_npz"]

_NAMES = {"weight": "W", "bias": "b"}


def save_npz(file: File, obj: nn.Module, compression: bool = True) -> None:
    """Write the weights of a chain as Chainer's `serializers.save_npz` does.

    A path is written whole or not at all.

    Source: Chainer 5.0.0, chainer/serializers/npz.py.

    Args:
        file: a path, taken as it is, or a binary file.
        obj: a chain or module whose parameters are those of linear layers, at any depth.
        compression: whether to compress.

    Raises:
        TypeError: the module holds parameters of another kind.
        RuntimeError: the folder of `file` does not exist or cannot be written.

    Example:
        >>> import io
        >>> file = io.BytesIO()
        >>> save_npz(file, nn.ModuleDict({"le1": nn.Linear(4, 2)}))
        >>> sorted(np.load(io.BytesIO(file.getvalue())).files)
        ['le1/W', 'le1/b']
    """
    arrays: dict[str, Any] = {k: p.detach().cpu().numpy() for k, p in _parameters(obj).items()}
    write = np.savez_compressed if compression else np.savez
    if isinstance(file, str | os.PathLike):
        whole = io.BytesIO()
        write(whole, **arrays)
        write_atomically(Path(file), whole.getvalue())
    else:
        write(file, **arrays)


def load_npz(file: File, obj: nn.Module, path: str = "", strict: bool = True) -> None:
    """Read weights that Chainer's `serializers.save_npz` wrote; all of them fit, or none is read.

    Source: Chainer 5.0.0, chainer/serializers/npz.py. Unlike there, `strict` also refuses a weight
    that the module lacks, and no shape is broadcast.

    Args:
        file: a path or a binary file.
        obj: a chain or module whose parameters are those of linear layers, at any depth.
        path: what stands before the names in the file, such as `"updater/model:main/"`.
        strict: whether a name missing on either side is an error; else it is skipped.

    Raises:
        TypeError: the module holds parameters of another kind.
        ValueError: the file is missing, cut short or pickled, or a name or shape does not fit.

    Example:
        >>> import io
        >>> file = io.BytesIO()
        >>> save_npz(file, nn.Linear(4, 2))
        >>> load_npz(io.BytesIO(file.getvalue()), nn.Linear(4, 2))
    """
    parameters = _parameters(obj)
    arrays = read_arrays(file, path, tuple(parameters), strict)
    for name, array in arrays.items():
        _check_fits(name, array, parameters[name])
    with torch.no_grad():
        for name, array in arrays.items():
            parameters[name].copy_(torch.from_numpy(array.astype("=f8")))


def _parameters(obj: nn.Module) -> dict[str, nn.Parameter]:
    """Return the parameters of linear layers by Chainer's names."""
    found: dict[str, nn.Parameter] = {}
    for prefix, module in obj.named_modules(remove_duplicate=False):
        own = dict(module.named_parameters(recurse=False))
        state = {*own, *(name for name, _ in module.named_buffers(recurse=False))}
        if state and not (isinstance(module, nn.Linear) and state <= _NAMES.keys()):
            raise BadType(
                prefix or "model",
                expected="parameters in linear layers only",
                got=type(module).__name__,
                fix="Save it with torch.save(model.state_dict(), ...).",
            )
        base = prefix.replace(".", "/") + "/" if prefix else ""
        found |= {base + _NAMES[name]: parameter for name, parameter in own.items()}
    return found


def _check_fits(name: str, array: Any, parameter: nn.Parameter) -> None:
    kind = getattr(array, "dtype", np.dtype("O")).kind
    if kind != "f":
        raise BadValue(
            name, expected="floats", got=f"dtype kind '{kind}'", fix="Is this file a weight file?"
        )
    if array.shape != tuple(parameter.shape):
        raise BadValue(
            name,
            expected=f"shape {list(parameter.shape)}",
            got=list(array.shape),
            fix="Build the model with the sizes of the file.",
        )
