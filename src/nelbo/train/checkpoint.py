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
    write_atomically(path, save(kept, {"nelbo": text, "sha256": _digest(kept, text)}))


def load_checkpoint(path: Path) -> tuple[Tensors, dict[str, Any]]:
    """Read what `save_checkpoint` wrote, on the CPU.

    Raises:
        ValueError: the file is missing, truncated, altered, or not nelbo's.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise _damaged(path, str(error).splitlines()[0]) from None
    if not {"nelbo", "sha256"} <= metadata.keys():
        raise _damaged(path, "a file that nelbo did not write")
    if metadata["sha256"] != _digest(tensors, metadata["nelbo"]):
        raise _damaged(path, "other bytes than were written")
    return tensors, json.loads(metadata["nelbo"])


def _copy(tensor: Tensor) -> Tensor:
    """Return a copy on the CPU: safetensors refuses tensors that share memory (tied weights)."""
    return tensor.detach().cpu().clone(memory_format=torch.contiguous_format)


def _digest(tensors: Tensors, text: str) -> str:
    """Return the SHA-256 of everything that a checkpoint holds, the header's facts included."""
    digest = hashlib.sha256(text.encode())
    for name in sorted(tensors):
        tensor = tensors[name].contiguous()
        digest.update(f"{name} {tensor.dtype} {list(tensor.shape)}".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _damaged(path: Path, got: str) -> BadValue:
    return BadValue(
        f"checkpoint {path}",
        expected="a complete file written by nelbo",
        got=got,
        fix="Delete it to go on from the one before.",
    )
