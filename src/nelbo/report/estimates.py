"""Estimates as a terminal table."""

from __future__ import annotations

from collections.abc import Mapping

from rich.table import Table

from nelbo.evaluate import Estimate


def table(estimates: Mapping[str, Estimate], title: str) -> Table:
    """Return a table of estimates: value, standard error, unit, counts, base measure.

    Example:
        >>> found = {"elbo": Estimate("elbo", -98.76, "nats per example", 0.23, 10_000, samples=1)}
        >>> table(found, "runs/first").row_count
        1
    """
    made = Table(title=title, title_justify="left", box=None, pad_edge=False, title_style="bold")
    made.add_column("")
    made.add_column("value", justify="right")
    made.add_column("±", justify="right")
    for column in ("unit", "examples, samples", "base measure"):
        made.add_column(column)
    for estimate in estimates.values():
        samples = "" if estimate.samples is None else f", {estimate.samples:,}"
        made.add_row(
            estimate.name,
            f"{estimate.value:.4g}",
            f"{estimate.standard_error:.2g}",
            estimate.unit,
            f"{estimate.examples:,}{samples}",
            estimate.base_measure or "",
        )
        if estimate.parts:
            made.add_row("", *_parts(estimate))
    return made


def _parts(estimate: Estimate) -> tuple[str, str, str]:
    """Return a row that shows the parts as bars, largest first."""
    ranked = sorted(estimate.parts, reverse=True)
    top = max(ranked[0], 1e-12)
    bars = "".join(" ▁▂▃▄▅▆▇█"[round(8 * max(0.0, part) / top)] for part in ranked)
    return "", "", f"{bars.rstrip() or '-'}  per latent, at most {ranked[0]:.3g}"
