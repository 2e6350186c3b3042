"""`Suggestion`: what fits data, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from nelbo import registry
from nelbo.doctor.forecast import Forecast
from nelbo.likelihoods import Likelihood

Evidence = Mapping[str, float | int | str]


@dataclass(frozen=True)
class Reason:
    """Why one thing was chosen.

    Attributes:
        about: what was chosen: `"likelihood"`, `"transform"` or `"latent"`.
        because: one sentence.
        evidence: the measured numbers, by name.
    """

    about: str
    because: str
    evidence: Evidence = field(default_factory=dict)


@dataclass(frozen=True)
class Alternative:
    """What else was considered.

    Attributes:
        likelihood: as the registry's text.
        transform: that goes with it.
        when: what speaks for it.
        behind: how much worse it fits the features one by one, in nats per value; None where the
            two are no densities of the same thing, or were not both fitted.
    """

    likelihood: str
    transform: str
    when: str
    behind: float | None = None


@dataclass(frozen=True)
class Suggestion:
    """What fits data: likelihood, transform and latents, each with its reason.

    Attributes:
        kind: what the data is, in words.
        likelihood: what p(x|z) may be.
        transform: the name of what turns the stored examples into what a model sees.
        latent: the number of latents.
        reasons: for each of these one.
        alternatives: what else was considered, the nearest first.
        forecast: what this likelihood will do to this data; None where there is none to be made.
        notes: what has to be known besides, each a sentence.
        missing: whether there are gaps in the data.
    """

    kind: str
    likelihood: Likelihood
    transform: str
    latent: int
    reasons: tuple[Reason, ...]
    alternatives: tuple[Alternative, ...]
    forecast: Forecast | None
    notes: tuple[str, ...] = ()
    missing: bool = False

    @property
    def text(self) -> str:
        """The likelihood as the command line takes it."""
        return registry.text(registry.spec(self.likelihood))

    @property
    def options(self) -> tuple[str, ...]:
        """What `nelbo train DATA` needs to follow it."""
        chosen = {"likelihood": self.text, "transform": self.transform, "latent": self.latent}
        words = [word for name, value in chosen.items() for word in (f"--{name}", f"{value}")]
        return tuple(words + ["--missing"] * self.missing)

    def reason(self, about: str) -> Reason:
        """Return why the likelihood, the transform or the number of latents was chosen."""
        return next(reason for reason in self.reasons if reason.about == about)

    def __str__(self) -> str:
        chosen = {"likelihood": self.text, "transform": self.transform, "latent": self.latent}
        lines = [self.kind]
        lines += [f"{name} {value}: {self.reason(name).because}" for name, value in chosen.items()]
        if self.forecast is not None:
            lines.append(f"forecast {self.forecast}")
        lines += [f"or {other.likelihood}: {other.when}" for other in self.alternatives]
        return "\n".join([*lines, *self.notes])
