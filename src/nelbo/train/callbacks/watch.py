"""The doctor in the training loop: speaks up once, early, when something goes wrong."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from nelbo.doctor.monitor import Monitor
from nelbo.objectives import Objective
from nelbo.terms import Terms
from nelbo.train.callbacks.base import Callback


class Watch(Callback):
    """A `Monitor` that looks at every tenth step of a run.

    Args:
        monitor: who watches; by default one that warns.

    Example:
        >>> import torch, nelbo
        >>> watch, model = Watch(), nelbo.VAE(data_shape=(4,), latent=2)
        >>> run = nelbo.fit(model, torch.ones(50, 4), epochs=1, callbacks=[watch])
        >>> watch.monitor.findings
        ()
    """

    def __init__(self, monitor: Monitor | None = None) -> None:
        self.monitor = Monitor() if monitor is None else monitor

    def on_terms(
        self, step: int, terms: Callable[[], Terms], loss: Tensor, objective: Objective
    ) -> None:
        """Hand the step over; what has to be computed is computed only when it is looked at."""
        weight = getattr(objective, "beta", None)
        beta = float(weight) if isinstance(weight, int | float) else None
        if not self.monitor.due:
            self.monitor.step(beta=beta)
            return
        seen = terms()
        recon = seen.px.mean[0]
        gaps = getattr(seen.model, "missing", False)  # what is missing is no NaN to be told of
        self.monitor.step(
            torch.where(seen.x.isnan(), recon, seen.x) if gaps else seen.x,
            seen.q.mean,
            recon=recon,
            loss=loss,
            reconstruction=-seen.log_px.mean(),
            kl=seen.kl_total.mean() if seen.has_density else None,
            beta=beta,
        )
