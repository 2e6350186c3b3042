"""What the Hamiltonian posteriors share: the slope that they follow, and how far they jump."""

from __future__ import annotations

import math

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
