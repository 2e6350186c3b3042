"""What posteriors over groups of categories share."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import nn

from nelbo import checks
from nelbo.distributions.simplex import require_temperature, whole_groups


class Grouped(nn.Module, ABC):
    """Latents in groups of categories, drawn at a temperature; the encoder's output is logits.

    Args:
        categories: of each group; the number of latents is a multiple of it.
        temperature: t, positive.

    Raises:
        ValueError: fewer than two categories, a temperature that is not positive, or (when the
            model is built) latents that are not whole groups.

    """

    base_measure: str

    def __init__(self, categories: int = 10, temperature: float = 0.5) -> None:
        super().__init__()
        self.categories = checks.count("categories", categories, least=2, usual=10)
        self.temperature = require_temperature(temperature)
        self.base_measure = self.base_measure_of(categories)

    @staticmethod
    @abstractmethod
    def base_measure_of(categories: int) -> str:
        """Return what a density of so many categories is a density against."""

    def parameter_shape(self, latent: int) -> tuple[int, ...]:
        """Return (latent,): a logit for each category of each group."""
        return (latent,)

    def setup(self, latent: int) -> None:
        """Refuse latents that are not whole groups."""
        whole_groups(latent, self.categories)
