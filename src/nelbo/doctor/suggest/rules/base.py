"""What a rule is, and what it proposes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from nelbo import registry
from nelbo.doctor.suggest.evidence import Evidence
from nelbo.doctor.suggest.families import ROUNDED, Family
from nelbo.doctor.suggest.result import Alternative
from nelbo.doctor.suggest.result import Evidence as Numbers
from nelbo.likelihoods import Likelihood

NEAR = 3  # alternatives shown


@dataclass(frozen=True)
class Proposal:
    """What a rule proposes, before the forecast.

    Attributes:
        kind: what the data is, in words.
        likelihood: the component itself.
        because: why, in a sentence.
        shown: the numbers behind it.
        transform: text of the transform.
        why_transform: why, in a sentence.
        alternatives: what else was considered.
        notes: what has to be known besides.
    """

    kind: str
    likelihood: Likelihood
    because: str
    shown: Numbers
    transform: str
    why_transform: str
    alternatives: tuple[Alternative, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rule:
    """What is to be done with one kind of data.

    Attributes:
        applies: whether data is of this kind.
        propose: what to do with it.
    """

    applies: Callable[[Evidence], bool]
    propose: Callable[[Evidence], Proposal]


@dataclass(frozen=True)
class Ranking:
    """Families from the best on that the registry can build, with their texts.

    Attributes:
        families: the best first.
        texts: of each.
        behind: how much worse than the first one each fits, in nats per value.
        passed: families ahead of the first, of which the registry knows nothing.
    """

    families: tuple[Family, ...]
    texts: tuple[str, ...]
    behind: dict[Family, float] = field(default_factory=dict)
    passed: tuple[Family, ...] = ()

    def alternatives(self, transform: str) -> tuple[Alternative, ...]:
        """Return the families after the first."""
        rest = zip(self.families[1 : NEAR + 1], self.texts[1:], strict=False)
        return tuple(Alternative(t, transform, f.when, self.behind.get(f)) for f, t in rest)


def ranking(
    families: Sequence[Family], bics: dict[Family, float], values: int, **facts: object
) -> Ranking:
    """Return the families that the registry can build, in their order; at worst a Gaussian."""
    families = [*families, *(f for f in (ROUNDED,) if f not in families)]
    texts = {family: family.text(**facts) for family in families}
    known = [family for family in families if texts[family] is not None]
    first = bics.get(known[0])
    behind = {f: (bics[f] - first) / (2 * values) for f in known if f in bics and first is not None}
    passed = tuple(families[: families.index(known[0])])
    return Ranking(tuple(known), tuple(str(texts[f]) for f in known), behind, passed)


def transform_for(e: Evidence, wanted: str, why: str) -> tuple[str, str]:
    """Return a transform's text and the reason; of data that has one already, that one."""
    if e.transform is not None:
        return e.transform, "The data has been given this transform already."
    return wanted, why


def kept(e: Evidence) -> tuple[str, str]:
    """Return the transform that leaves values as they are."""
    if str(e.dtype) == "torch.uint8":
        return transform_for(e, "raw", "Bytes that are no grey levels stay as they are.")
    return transform_for(e, "scale", "It leaves numbers that are no bytes as they are.")


def known(transform: str) -> bool:
    """Return whether there is a transform of this name."""
    return transform in registry.names("transform")
