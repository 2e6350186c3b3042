"""Estimates as a terminal table."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from rich.table import Table

from nelbo.evaluate import Estimate


def table(estimates: Mapping[str, Estimate], title: str) -> Table:
    """Return a table of estimates: value, standard error, unit with base measure, samples.

    Example:
        >>> found = {"elbo": Estimate("elbo", -98.76, "nats per example", 0.23, 10_000, samples=1)}
        >>> table(found, "runs/first").row_count
        1
    """
    made = Table(title=title, title_justify="left", box=None, pad_edge=False, title_style="bold")
    made.add_column("", no_wrap=True)
    made.add_column("value", justify="right", no_wrap=True)
    made.add_column("±", justify="right", no_wrap=True)
    made.add_column("unit")
    made.add_column("samples", justify="right", no_wrap=True)
    for estimate in estimates.values():
        made.add_row(
            estimate.name,
            f"{estimate.value:.4g}",
            f"{estimate.standard_error:.2g}",
            _unit(estimate),
            "" if estimate.samples is None else f"{estimate.samples:,}",
        )
        if estimate.parts:
            made.add_row(
                "", "", "", f"{bars(estimate.parts)} each, at most {max(estimate.parts):.3g}", ""
            )
    return made


def _unit(estimate: Estimate) -> str:
    measure = f", {estimate.base_measure}" if estimate.base_measure else ""
    return estimate.unit + measure


def bars(parts: tuple[float, ...]) -> str:
    """Return one number a latent as bars, largest first.

    Example:
        >>> bars((0.0, 2.0, 1.0))
        '█▄'
    """
    drawn = "".join(" ▁▂▃▄▅▆▇█"[round(8 * share)] for share in shares(sorted(parts, reverse=True)))
    return drawn.rstrip() or ("-" if parts else "")


def shares(parts: Sequence[float]) -> list[float]:
    """Return numbers as shares of the largest finite one, from 0 to 1; of nan 0.

    Example:
        >>> shares([2.0, 1.0, -1.0, float("inf"), float("nan")])
        [1.0, 0.5, 0.0, 1.0, 0.0]
    """
    top = max([*(part for part in parts if math.isfinite(part)), 1e-12])
    return [0.0 if math.isnan(part) else min(max(part, 0.0) / top, 1.0) for part in parts]
