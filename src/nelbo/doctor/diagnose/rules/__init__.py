"""The rules, one a file: causes, then what they bring about."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from nelbo.doctor.diagnose.case import Case
from nelbo.doctor.diagnose.rules.baselines import baselines
from nelbo.doctor.diagnose.rules.bypass import bypass
from nelbo.doctor.diagnose.rules.collapse import collapse
from nelbo.doctor.diagnose.rules.frozen import frozen
from nelbo.doctor.diagnose.rules.prior import prior
from nelbo.doctor.diagnose.rules.ranges import ranges
from nelbo.doctor.diagnose.rules.sampling import sampling
from nelbo.doctor.diagnose.rules.support import support
from nelbo.doctor.diagnose.rules.units import units
from nelbo.doctor.diagnose.rules.weight import weight
from nelbo.doctor.finding import Finding

Rule = Callable[[Case], Iterator[Finding]]

CAUSES: tuple[Rule, ...] = (
    ranges,
    support,
    sampling,
    frozen,
    units,
    bypass,
    weight,
)

SYMPTOMS: tuple[Rule, ...] = (collapse, prior, baselines)
