"""What the Hamiltonian posteriors share: the slope that they follow, and how far they jump."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from nelbo.context import Context
from nelbo.distributions.leapfrog import Slope
from nelbo.errors import BadValue

LARGEST = 10.0  # of its start


# e = 10 e_0 s(a - log 9)                         bounded, as in Caterini et al. 2018, section 4
class StepSize(nn.Module):
    """A positive step size that never exceeds ten times its start.

    Beyond the bound leapfrogs leave for infinity, and the gradient of what they find there cannot
    lead back.

    Args:
        shape: of the step size: () for one, (latent,) for one each.
        start: e_0.
    """

    def __init__(self, shape: tuple[int, ...], start: float) -> None:
        super().__init__()
        self.start = start
        self.shift = nn.Parameter(torch.zeros(shape))

    def forward(self) -> Float[Tensor, "*shape"]:
        """Return the step size."""
        return LARGEST * self.start * torch.sigmoid(self.shift - math.log(LARGEST - 1))


# 1 / sqrt(beta_k) = (1 - 1/sqrt(beta_0)) k^2 / K^2 + 1/sqrt(beta_0)     Caterini et al. 2018, 3.2
class Tempering(nn.Module):
    """Heats of the momentum, from 1 / sqrt(beta_0) before the first step to 1 after the last.

    Without it the energy -log p(x, z) - log p(rho) stays what it was, and so does the bound: it
    is cooling that lets the draws settle where log p(x, z) is high.

    Args:
        steps: K.
        beta_zero: beta_0 at the start, in (0, 1]; 1, which is not learned, for no tempering.

    Raises:
        ValueError: beta_0 is out of its range.
    """

    def __init__(self, steps: int, beta_zero: float) -> None:
        super().__init__()
        if not 0 < beta_zero <= 1:
            fix = "Try 0.3, or 1 for no tempering."
            raise BadValue("beta_zero", expected="a number in (0, 1]", got=beta_zero, fix=fix)
        self.steps, self.beta_zero = steps, beta_zero
        self.shift = nn.Parameter(torch.zeros(())) if beta_zero < 1 else None

    def forward(self, like: Tensor) -> Heats:
        """Return the heat at the start, and the factors that cool it, one for each step.

        Args:
            like: a tensor of the dtype and on the device.
        """
        first = like.new_ones(())
        if self.shift is not None:
            logit = math.log(self.beta_zero) - math.log1p(-self.beta_zero)
            first = torch.sigmoid(self.shift + logit).rsqrt()
        k = torch.arange(self.steps + 1, dtype=like.dtype, device=like.device)
        heats = (1 - first) * (k / self.steps) ** 2 + first
        return Heats(first, (heats[1:] / heats[:-1]).unbind())


class Heats(NamedTuple):
    """How hot the momentum is at the start, and by what each step cools it."""

    first: Tensor
    cooling: tuple[Tensor, ...]


def checked_step_size(value: float) -> float:
    """Return a step size; ValueError where it is not positive."""
    if not 0 < value < math.inf:
        expected = "a positive number"
        raise BadValue("step_size", expected=expected, got=value, fix="Try 0.01.")
    return value


def joint_slope(context: Context) -> Slope:
    """Return the gradient of log p(x, z) with respect to z, [samples, batch, latent].

    It has a gradient itself where z has one; where z has none (in evaluation) it is a number.
    """
    x = context.x
    assert x is not None

    def slope(z: Tensor) -> Tensor:
        learns = z.requires_grad and torch.is_grad_enabled()
        with torch.enable_grad():
            at = z if learns else z.detach().requires_grad_()
            log_px = context.decode(at).log_prob(x)
            log_joint = (log_px + context.prior().log_prob(at)).sum()
            return torch.autograd.grad(log_joint, at, create_graph=learns)[0]

    return slope


def needs_a_model(name: str) -> BadValue:
    """Return the error of a posterior that was called by itself."""
    return BadValue(
        f"posterior {name}",
        expected="the model around it, whose log p(x, z) it follows",
        got="a call by itself",
        fix="Ask the model: model.encode(x).",
    )
