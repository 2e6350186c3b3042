"""Which of a decoder's outputs share a curvature: one a feature, mean and variance, or all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from operator import mul

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from nelbo.rng import generator

Shape = tuple[int, ...]
Product = Callable[[Float[Tensor, "probes outputs"]], Float[Tensor, "probes outputs"]]

ALIKE = 1e-3  # relative difference at which a curvature counts as reproduced
LARGEST_GROUP = 2048


@dataclass(frozen=True)
class Groups:
    """Outputs numbered (outer, size, inner), row by row; those that differ in `size` are coupled.

    A likelihood of one output a feature has size 1; one that puts out a mean and a variance has
    size 2; where every output is coupled with every other, outer and inner are 1.
    """

    outer: int
    size: int
    inner: int

    def __len__(self) -> int:
        return self.outer * self.inner

    def gather(self, v: Shaped[Tensor, "*rows outputs"]) -> Shaped[Tensor, "*rows groups size"]:
        """Return the outputs group by group."""
        parted = v.unflatten(-1, (self.outer, self.size, self.inner))
        return parted.transpose(-1, -2).flatten(-3, -2)

    def spread(self, v: Shaped[Tensor, "*rows groups size"]) -> Shaped[Tensor, "*rows outputs"]:
        """Return the opposite of `gather`."""
        parted = v.unflatten(-2, (self.outer, self.inner))
        return parted.transpose(-1, -2).flatten(-3, -1)

    def probes(self, like: Tensor) -> Float[Tensor, "size outputs"]:
        """Return vectors whose products with the curvature give all its blocks."""
        unit = torch.eye(self.size, dtype=like.dtype, device=like.device)
        return self.spread(unit[:, None, :].expand(self.size, len(self), self.size))

    def blocks(self, products: Float[Tensor, "size outputs"]) -> Float[Tensor, "groups size size"]:
        """Return the curvature of each group from its products with the probes."""
        found = self.gather(products).permute(1, 2, 0)
        return (found + found.mT) / 2


def find_groups(product: Product, outputs: int, shapes: tuple[Shape, ...]) -> Groups | None:
    """Return the smallest groups that reproduce a curvature, None where only too large ones do.

    Args:
        product: the curvature times each of some vectors.
        outputs: the number of outputs.
        shapes: of an example and of its outputs; groups run along their axes.
    """
    like = torch.zeros((), dtype=torch.float64)
    probe = torch.randn(1, outputs, generator=generator(1, outputs), dtype=like.dtype)
    expected = product(probe)
    for groups in _candidates(outputs, shapes):
        blocks = groups.blocks(product(groups.probes(like)))
        found = groups.spread((blocks @ groups.gather(probe)[0, :, :, None])[..., 0])
        if float((found - expected).norm()) <= ALIKE * float(expected.norm()):
            return groups
    return None


def _candidates(outputs: int, shapes: tuple[Shape, ...]) -> Iterator[Groups]:
    outer = {1} | {n for shape in shapes for n in accumulate(shape, mul)}
    inner = {1} | {n for shape in shapes for n in accumulate(shape[::-1], mul)}
    found = {(outputs // (a * b), a, b) for a in outer for b in inner if outputs % (a * b) == 0}
    for size, a, b in sorted(found):
        if size <= LARGEST_GROUP:
            yield Groups(a, size, b)
