"""Tables whose columns are of different kinds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby

import torch

from nelbo import registry
from nelbo.doctor.suggest.evidence import Evidence
from nelbo.doctor.suggest.families import COLUMNS, GAUSSIAN, PER_FEATURE, STATED, built
from nelbo.doctor.suggest.result import Alternative
from nelbo.doctor.suggest.rules import binary, counts, real, shares
from nelbo.doctor.suggest.rules.base import Proposal, Rule, kept, transform_for
from nelbo.likelihoods import Likelihood

MOST_COLUMNS = 256  # of a table that is looked at column by column
FEWEST = 20  # examples that tell what a column is
MANY = 100  # examples from which a column of zeros and ones among counts is one of its own
EXPECTED = 3.0  # values above 1 that a column of rare counts lacks only by chance

REAL, SKEWED, BINARY, COUNT, SHARE = "real", "positive", "binary", "counts", "in [0, 1]"
WORDS = "words"
KINDS: dict[str, Callable[[Evidence], bool]] = {
    WORDS: lambda e: bool((e.words > 0).all()),
    BINARY: lambda e: binary.top(e) > 0,
    COUNT: counts.RULE.applies,
    SHARE: shares.RULE.applies,
    SKEWED: real.is_skewed,
    REAL: real.anything,
}
RULES = {WORDS: counts.RULE, BINARY: binary.RULE, COUNT: counts.RULE, SHARE: shares.RULE}


def kinds(e: Evidence) -> list[str | None]:
    """Return what each column is; None of one that is constant."""
    found = [_kind(e.of(torch.tensor([i]))) for i in range(e.features)]
    if COUNT in found:
        expected = e.examples * e.mean.square() / 2
        few = e.examples < MANY
        found = [
            COUNT if kind == BINARY and (few or float(expected[i]) < EXPECTED) else kind
            for i, kind in enumerate(found)
        ]
    if SKEWED in found:
        found = [
            SKEWED if kind == SHARE and real.is_skewed(e.of(torch.tensor([i]))) else kind
            for i, kind in enumerate(found)
        ]
    positive = all(float(e.low[i]) > 0 for i, kind in enumerate(found) if kind == REAL)
    return [REAL if kind == SKEWED and positive and REAL in found else kind for kind in found]


def _kind(column: Evidence) -> str | None:
    if not bool(column.varying.all()):
        return None
    return next(kind for kind, applies in KINDS.items() if applies(column))


def _applies(e: Evidence) -> bool:
    table = len(e.shape) == 1 and 2 <= e.features <= MOST_COLUMNS and e.examples >= FEWEST
    if not table or e.dtype != torch.float32 or e.transform not in (None, "raw"):
        return False
    found = set(kinds(e)) - {None}
    return len(found) > 1 or WORDS in found  # whose numbers differ from column to column


def _propose(e: Evidence) -> Proposal:
    found = kinds(e)
    each = [_proposal(e, i, kind) for i, kind in enumerate(found)]
    texts = [STATED if p is None else _text(p.likelihood) for p in each]
    said = [None if p is None else p.kind for p in each]
    transform, why = _transform(e, said, texts)
    whole = PER_FEATURE.text() or GAUSSIAN.texts[0]
    likelihood = _columns(*_runs(texts)) or built(whole)
    assert likelihood is not None
    return Proposal(
        kind="a table of columns of different kinds",
        likelihood=likelihood,
        because="Its columns are of different kinds: " + _listed(said) + ".",
        shown={kind: said.count(kind) for kind in said if kind is not None},
        transform=transform,
        why_transform=why,
        alternatives=(Alternative(whole, transform, "every column is as good as real"),),
        notes=(*_unordered(each), *_constant(found)),
    )


def _proposal(e: Evidence, i: int, kind: str | None) -> Proposal | None:
    if kind is None:
        return None
    return RULES.get(kind, real.RULE).propose(e.of(torch.tensor([i])))


def _text(likelihood: Likelihood) -> str:
    return registry.text(registry.spec(likelihood))


def _unordered(each: Sequence[Proposal | None]) -> tuple[str, ...]:
    notes = [note for p in each if p is not None and p.kind == counts.CLASSES for note in p.notes]
    return tuple(dict.fromkeys(notes))


def _runs(texts: Sequence[str]) -> tuple[list[str], list[int]]:
    """Return successive columns of one likelihood as one part, where it keeps their noise apart."""
    own, parts, sizes = PER_FEATURE.text(), [], []
    for text, run in groupby(texts):
        size = len(list(run))
        if text == GAUSSIAN.texts[0] and size > 1:
            parts += [own] if own else [text] * size
            sizes += [size] if own else [1] * size
        else:
            parts.append(text)
            sizes.append(size)
    return parts, sizes


def _columns(parts: list[str], sizes: list[int]) -> Likelihood | None:
    if COLUMNS not in registry.names("likelihood"):
        return None
    held = tuple(built(text) for text in parts)
    arguments = {"parts": held, "sizes": None if set(sizes) == {1} else tuple(sizes)}
    return registry.build("likelihood", {"name": COLUMNS, "arguments": arguments})


def _listed(found: Sequence[str | None]) -> str:
    """Return which columns are of which kind."""
    said = []
    for kind in dict.fromkeys(kind for kind in found if kind is not None):
        said.append(f"{kind} ({_numbers([i for i, k in enumerate(found) if k == kind])})")
    return ", ".join(said)


def _numbers(columns: Sequence[int]) -> str:
    """Return numbers with runs drawn together.

    Example:
        >>> _numbers([0, 1, 2, 5])
        '0-2, 5'
    """
    runs = [[i for _, i in run] for _, run in groupby(enumerate(columns), lambda p: p[1] - p[0])]
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else f"{run[0]}" for run in runs)


def _constant(found: Sequence[str | None]) -> tuple[str, ...]:
    none = [i for i, kind in enumerate(found) if kind is None]
    if not none:
        return ()
    verb = "are" if len(none) > 1 else "is"
    return (
        f"Column{'s' * (len(none) > 1)} {_numbers(none)} {verb} constant: "
        "better left out. Here its noise is stated, since a learned one would go to 0.",
    )


def _transform(e: Evidence, found: Sequence[str | None], texts: Sequence[str]) -> tuple[str, str]:
    """Return the transform: columns whose likelihood is of any real number may lie far from 1."""
    movable = [
        i
        for i, (kind, text) in enumerate(zip(found, texts, strict=True))
        if kind == real.PLAIN or (kind is not None and text == GAUSSIAN.texts[0])
    ]
    if not any(real.is_far(float(e.mean[i]), float(e.deviation[i])) for i in movable):
        return kept(e)
    columns = ",".join(map(str, movable)) + "," * (len(movable) == 1)
    because = (
        f"Networks begin with values of about 1, and the real columns {_numbers(movable)} are far "
        "from that. Densities are then those of the standardised columns."
    )
    return transform_for(e, f"{real.STANDARDISE}:columns=({columns})", because)


RULE = Rule(_applies, _propose)
