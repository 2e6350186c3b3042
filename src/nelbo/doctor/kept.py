"""What is somebody else's, left as it was: modes, weights, gradients, generators."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

import numpy as np
import torch
from torch import nn

from nelbo.evaluate.base import evaluation_mode, modes

__all__ = ["evaluation_mode", "generators_kept", "sampling_mode", "weights_kept"]

# whose training mode is noise, or sees the batch
NOISY = (nn.modules.batchnorm._NormBase, nn.modules.dropout._DropoutNd)


def sampling_mode(*models: nn.Module) -> AbstractContextManager[None]:
    """Run the block in training mode but for dropout and batch norm, then put the modes back.

    Many models draw their latents in training mode only: `if self.training: z = mu + ...`.
    """
    return modes(models, lambda part: not isinstance(part, NOISY))


@contextmanager
def weights_kept(modules: Sequence[nn.Module]) -> Iterator[None]:
    """Run the block, then put parameters, buffers and gradients back."""
    every = {id(t): t for m in modules for t in (*m.parameters(), *m.buffers())}.values()
    before = [(t, t.detach().clone(), t.grad) for t in every]
    for tensor in every:
        tensor.grad = None  # what a backward() inside adds goes to another tensor
    try:
        yield
    finally:
        with torch.no_grad():
            for tensor, value, grad in before:
                if not torch.equal(tensor, value):
                    tensor.copy_(value)
                tensor.grad = grad


@contextmanager
def generators_kept() -> Iterator[None]:
    """Run the block with NumPy's and Python's generators at a seed, then put their states back."""
    state, python = np.random.get_state(), random.getstate()
    np.random.seed(0)
    random.seed(0)
    try:
        yield
    finally:
        np.random.set_state(state)
        random.setstate(python)
