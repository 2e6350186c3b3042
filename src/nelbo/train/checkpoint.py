"""Checkpoints: tensors and a record in one safetensors file, atomic and checked."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from nelbo.errors import BadValue
from nelbo.files import write_atomically

Tensors = dict[str, Tensor]

ONE_BEFORE = "Delete it to go on from the one before."


def save_checkpoint(path: Path, tensors: Tensors, record: Mapping[str, Any]) -> None:
    """Write tensors and a JSON record to `path`, whole or not at all.

    Raises:
        RuntimeError: the disk is full or the folder cannot be written.

    Example:
        >>> import tempfile, torch
        >>> path = Path(tempfile.mkdtemp()) / "a.safetensors"
        >>> save_checkpoint(path, {"w": torch.ones(2)}, {"step": 3})
        >>> load_checkpoint(path)
        ({'w': tensor([1., 1.])}, {'step': 3})
    """
    kept = {name: _copy(tensor) for name, tensor in tensors.items()}
    text = json.dumps(record, allow_nan=False)
    write_atomically(path, save(kept, {"nelbo": text, "sha256": digest(kept, text)}))


def load_checkpoint(path: Path, fix: str = ONE_BEFORE) -> tuple[Tensors, dict[str, Any]]:
    """Read what `save_checkpoint` wrote, on the CPU; `fix` is the advice where it is damaged.

    Raises:
        ValueError: the file is missing, truncated, altered, or not nelbo's.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            # copies: a tensor that views the mapped file changes, or crashes, with the file
            tensors = {n: file.get_tensor(n).clone() for n in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise _damaged(path, str(error).splitlines()[0], fix) from None
    if not {"nelbo", "sha256"} <= metadata.keys():
        raise _damaged(path, "a file that nelbo did not write", fix)
    if metadata["sha256"] != digest(tensors, metadata["nelbo"]):
        raise _damaged(path, "other bytes than were written", fix)
    return tensors, json.loads(metadata["nelbo"])


def _copy(tensor: Tensor) -> Tensor:
    """Return a copy on the CPU: safetensors refuses tensors that share memory (tied weights)."""
    return tensor.detach().cpu().clone(memory_format=torch.contiguous_format)


def digest(tensors: Tensors, text: str) -> str:
    """Return the SHA-256 of a text and of tensors: names, types, shapes and bytes.

    Example:
        >>> digest({}, "")[:8]
        'e3b0c442'
    """
    sha256 = hashlib.sha256(text.encode())
    for name in sorted(tensors):
        tensor = tensors[name].contiguous()
        sha256.update(f"{name} {tensor.dtype} {list(tensor.shape)}".encode())
        flat = tensor.reshape(-1)
        if flat.stride(0) != 1:  # a single number that was expanded, which torch calls contiguous
            flat = flat.clone(memory_format=torch.contiguous_format)
        sha256.update(flat.view(torch.uint8).numpy().data)
    return sha256.hexdigest()


def _damaged(path: Path, got: str, fix: str) -> BadValue:
    return BadValue(
        f"checkpoint {path}",
        expected="a complete file written by nelbo",
        got=got,
        fix=fix,
    )
