"""`audit`: what a loss really says, by probing alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nelbo.doctor.audit.calling import Call, Point
from nelbo.doctor.audit.evidence import Evidence
from nelbo.doctor.audit.fields import FIELDS, Fields
from nelbo.doctor.audit.gain import gain
from nelbo.doctor.audit.gradient import reaches
from nelbo.doctor.audit.judge import judged
from nelbo.doctor.audit.kl import FoundKL, find_kl
from nelbo.doctor.audit.reconstruction import FoundReconstruction, find_reconstruction
from nelbo.doctor.audit.results import KL, Audit
from nelbo.doctor.audit.sizes import accepts, first
from nelbo.errors import BadType, BadValue, nearest


@np.errstate(all="ignore")
def audit(
    loss: Callable[..., Any],
    x: Any,
    latent: int = 20,
    output: str = "mean",
    *,
    data: Any = None,
) -> Audit:
    """Find out what a loss says about reconstructions and latents, by calling it.

    The loss is probed at reconstructions and posteriors of nelbo's choosing, on this data; its
    source is never read. Images are flattened where it wants them flat. Nothing that probing
    cannot tell is guessed: it is None.

    Args:
        loss: `loss(x, recon, mu, logvar)` -> one number, in torch, NumPy, Chainer, JAX or Keras.
        x: a batch of real data, [batch, *data_shape].
        latent: number of latents, for mu and logvar of shape [batch, latent].
        output: what `recon` holds: `"mean"` (any real values), `"prob"` (in (0, 1)), `"logits"`,
            or `"mean+logvar"`, a pair.
        data: more data of the same kind, for the forecast; by default `x` itself.

    Raises:
        ValueError: the loss cannot be called so, or returns no number; x is empty or not finite.
        TypeError: the loss is no function, or x no array.

    Example:
        >>> import torch, torch.nn.functional as F
        >>> def loss(x, recon, mu, logvar):
        ...     kl = -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum(1).mean()
        ...     return F.mse_loss(recon, x) + kl
        >>> x = torch.rand(100, 784, generator=torch.Generator().manual_seed(0))
        >>> report = audit(loss, x)
        >>> report.sigma2, report.findings[0].code
        (392.0, 'pixels_averaged')
    """
    target = _checked(loss, x, latent, output)
    call = Call(loss, like=x)
    base, rescaled = _begin_in_shape(call, target, latent, output)
    flat = target.dim() != base.x.dim()
    target = target.reshape(base.x.shape)
    call.learn_mode(base)
    base = _quiet(call, base)
    found = find_reconstruction(call, base, output)
    base = _cheapest(call, base._replace(recon=found.lowest))
    kl = find_kl(call, base)
    reach = reaches(call, _generic(base, found.output))
    if kl.term.form != "absent" and reach.get("mu") == reach.get("logvar") == "zero":
        kl = FoundKL(KL("absent", None, None, None), None, kl.sampled, kl.residual, detached=True)
    evidence = Evidence(
        call=call,
        output=output,
        x=found.seen(target),
        latent=latent,
        reconstruction=found,
        kl=kl,
        reach=reach,
        rescaled=rescaled,
        short=len(target) < 2 or accepts(call, base, first(len(target) - 1)),
        additive=_additive(call, base, found),
        flat=flat,
        earned=gain(call, base, found.output, kl.weight),
    )
    own = data is None or found.compared != (1.0, 0.0)
    return judged(evidence, evidence.x if own else data)


def _begin_in_shape(call: Call, x: Tensor, latent: int, output: str) -> tuple[Point, str]:
    """Return a point at which the loss answers; on flat examples where it wants them flat."""
    try:
        return _begin(call, x, latent, output)
    except BadValue as error:
        if x.dim() == 2:
            raise
        try:
            return _begin(call, x.flatten(1), latent, output)
        except BadValue:
            raise error from error.__cause__


def _begin(call: Call, x: Tensor, latent: int, output: str) -> tuple[Point, str]:
    """Return a point at which the loss answers; on data in [0, 1] where it refuses the user's."""
    mu = torch.full((len(x), latent), 0.3, dtype=torch.float64)

    def point(data: Tensor, kind: str) -> Point:
        return Point(data, Fields(data).of(kind)[5], mu, -mu)

    unit = Fields(x).unit
    others = () if output == "mean+logvar" else ("prob",)
    kinds = tuple(dict.fromkeys((output, *others)))
    as_given = [point(x, kind) for kind in kinds]
    try:
        return call.begin(*as_given), ""
    except BadValue as error:
        try:
            return call.begin(*(point(unit, kind) for kind in kinds)), str(error.got)
        except BadValue:
            raise error from error.__cause__


def _quiet(call: Call, base: Point) -> Point:
    """Return a point at which noise that no seed controls has nothing to say.

    At a posterior that is the prior, log q(z) - log p(z) is 0 at every z.
    """
    if len({call.tried(base) for _ in range(3)}) == 1:
        return base
    still = base._replace(mu=torch.zeros_like(base.mu), logvar=torch.zeros_like(base.mu))
    return still if np.isfinite(call.tried(still)) else base


def _cheapest(call: Call, base: Point) -> Point:
    """Return the point with the data itself for its reconstruction, where that costs less.

    The less the reconstruction costs, the more digits are left for the KL.
    """
    if isinstance(base.recon, tuple):
        return base
    perfect = base._replace(recon=base.x)
    better = abs(call.tried(perfect)) < abs(call.tried(base))
    return perfect if better else base


def _generic(base: Point, output: str) -> Point:
    """Return a point where nothing is at a kink or a minimum."""
    mu = base.mu + torch.linspace(0.5, 1.5, base.mu.shape[1], dtype=torch.float64)
    return base._replace(recon=Fields(base.x).of(output)[-2], mu=4 * mu, logvar=base.logvar - 0.5)


def _additive(call: Call, base: Point, found: FoundReconstruction) -> bool:
    """Return whether a change of the latents costs the same at any reconstruction."""
    other = base._replace(recon=Fields(base.x).of(found.output)[0])
    moved = {"mu": base.mu + 2.0}
    values = [call.tried(p) for p in (base, base._replace(**moved), other, other._replace(**moved))]
    if not np.isfinite(values).all() or call.tried(base) != values[0]:
        return True  # or noise that no seed controls
    here, there = values[1] - values[0], values[3] - values[2]
    slack = 1e-4 * max(abs(here), abs(there)) + 100 * call.resolution * max(map(abs, values))
    return abs(here - there) <= slack


def _checked(loss: Any, x: Any, latent: Any, output: Any) -> Tensor:
    if not callable(loss):
        fix = "Pass the function itself: nelbo.audit(my_loss, x)."
        raise BadType("loss", expected="a function", got=repr(loss)[:60], fix=fix)
    checked_output(output)
    if not isinstance(latent, int) or isinstance(latent, bool) or latent < 1:
        raise BadValue("latent", expected="an integer of at least 1", got=latent, fix="Try 20.")
    return checked_data(x)


def checked_output(output: Any) -> None:
    """Refuse what is no kind of output.

    Raises:
        ValueError: it is none.
    """
    if output not in FIELDS:
        fix = nearest(str(output), FIELDS)
        raise BadValue("output", expected="a kind of output", got=repr(output), fix=fix)


def checked_data(x: Any) -> Tensor:
    """Return a batch of data as float64, or say what is wrong with it.

    Raises:
        TypeError: no array of numbers.
        ValueError: no examples, no features, or a value that is not finite.
    """
    array = x.detach().cpu().numpy() if isinstance(x, Tensor) else x
    array = np.asarray(getattr(array, "array", array))
    if array.dtype.kind not in "biuf":
        fix = "Pass a tensor or a NumPy array [batch, features]."
        raise BadType("x", expected="an array of numbers", got=type(x).__name__, fix=fix)
    if array.ndim < 2 or 0 in array.shape:
        fix = "Pass a batch of real data, at least two examples."
        raise BadValue("x", expected="shape [batch, features]", got=list(array.shape), fix=fix)
    target = torch.from_numpy(array.astype(np.float64))
    if not bool(target.isfinite().all()):
        at = [int(i) for i in torch.nonzero(~target.isfinite())[0]]
        fix = "Remove or fill in what is missing."
        raise BadValue("x", expected="finite values", got=f"{array[tuple(at)]} at {at}", fix=fix)
    return target
