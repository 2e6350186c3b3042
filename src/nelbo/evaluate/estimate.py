"""`Estimate`: a measured number with its unit, its counts and its standard error."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Estimate:
    """One measured number.

    Attributes:
        name: what was measured, such as `"elbo"`.
        value: the number.
        unit: its unit, such as `"nats per example"`.
        standard_error: one standard error over the examples, in the same unit.
        examples: number of examples.
        samples: number of latents drawn for each example; None where none were drawn.
        base_measure: for a log-density, what it is a density against; only equal ones compare.
        parts: the same quantity per latent dimension, where it is a sum or count over them.

    Example:
        >>> print(Estimate("elbo", -98.76, "nats per example", 0.23, 10_000, samples=1))
        elbo = -98.76 +- 0.23 nats per example (10000 examples, 1 sample)
    """

    name: str
    value: float
    unit: str
    standard_error: float
    examples: int
    samples: int | None = None
    base_measure: str | None = None
    parts: tuple[float, ...] = ()

    def __str__(self) -> str:
        counts = f"{self.examples} examples"
        if self.samples is not None:
            counts += f", {self.samples} sample" + "s" * (self.samples != 1)
        error = f" +- {self.standard_error:.2g}"
        return f"{self.name} = {self.value:.4g}{error} {self.unit} ({counts})"
