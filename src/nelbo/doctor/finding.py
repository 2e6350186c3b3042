"""`Finding`: what the doctor says, in one form."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

Severity = Literal["error", "warning", "info"]
RANK: dict[Severity, int] = {"error": 0, "warning": 1, "info": 2}


@dataclass(frozen=True)
class Finding:
    """One thing that the doctor found: the cause, the evidence, and one fix.

    Attributes:
        code: short and stable, for programs: `"pixels_averaged"`.
        severity: `"error"` (this would not fit a VAE), `"warning"` (probably not what is wanted)
            or `"info"` (worth knowing).
        cause: what is the case and why it matters, in one or two sentences.
        evidence: the measured numbers, by name, with the unit in the name where there is one.
        fix: one line of code or one action.

    Example:
        >>> found = Finding("kl_absent", "error", "There is no KL.", {"change": 0.0}, "Add it.")
        >>> print(found)
        error: There is no KL. Add it.
    """

    code: str
    severity: Severity
    cause: str
    evidence: Mapping[str, float | int | str] = field(default_factory=dict)
    fix: str = ""

    def __str__(self) -> str:
        return f"{self.severity}: {self.cause} {self.fix}".rstrip()


def ranked(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the findings by severity; among equals the order given, cause first, stays.

    Example:
        >>> ranked([Finding("a", "info", "A."), Finding("b", "error", "B.")])[0].code
        'b'
    """
    return tuple(sorted(findings, key=lambda found: RANK[found.severity]))


def healthy(findings: Iterable[Finding]) -> bool:
    """Return whether no finding is an error."""
    return all(found.severity != "error" for found in findings)
