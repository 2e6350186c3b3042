"""An audit, a forecast and a diagnosis, each as a `Sheet`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

from nelbo.doctor import Finding, Forecast
from nelbo.doctor.audit.results import Audit
from nelbo.doctor.diagnose.results import Diagnosis
from nelbo.report.doctor import terms
from nelbo.report.doctor.foretold import foretold
from nelbo.report.doctor.measures import measures
from nelbo.report.doctor.sheet import Kind, Mark, Sheet
from nelbo.report.words import Phrases

Made = Mapping[str, Any]
_SENTENCE = re.compile(r"(?<=[\w)`]{2}\.) (?=[A-Z`])")


def audit(
    found: Audit, subject: str, about: tuple[str, ...], made: Made, lang: str = "en"
) -> Sheet:
    """Return what an audit says.

    Args:
        found: what `nelbo.audit` returned.
        subject: the loss, as the user named it.
        about: on what data, with what settings.
        made: how it was made, by name.
        lang: `"en"` or `"zh"`.
    """
    words = Phrases(lang)
    lead, others = _led(found.findings)
    headline, rest = _said(lead) if lead else (terms.fine(found, words), "")
    return Sheet(
        "nelbo audit", subject, about, found.ok, _mark("audit", lead, found.ok, words),
        headline, rest, lead, others, terms.tables(found, words),
        foretold(found.forecast, words), made,
    )  # fmt: skip


def diagnosis(
    found: Diagnosis, subject: str, about: tuple[str, ...], made: Made, lang: str = "en"
) -> Sheet:
    """Return what a diagnosis says; the arguments are those of `audit`."""
    words = Phrases(lang)
    lead, others = _led(found.findings)
    tables = measures(found.measures, words) if found.measures else ()
    if found.audit is not None:
        tables += terms.tables(found.audit, words)
    headline, rest = _said(lead) if lead else (words("doctor.fine.diagnose"), "")
    return Sheet(
        "nelbo diagnose", subject, about, found.ok, _mark("diagnose", lead, found.ok, words),
        headline, rest, lead, others, tables, foretold(found.forecast, words), made,
    )  # fmt: skip


def forecast(
    found: Forecast, subject: str, about: tuple[str, ...], made: Made, lang: str = "en"
) -> Sheet:
    """Return what a forecast says; the arguments are those of `audit`."""
    said = foretold(found, Phrases(lang))
    assert said is not None
    fine = found.verdict != "collapses"
    return Sheet(
        "nelbo forecast", subject, about, fine, said.mark, said.sentence, foretold=said, made=made
    )


def _led(findings: tuple[Finding, ...]) -> tuple[Finding | None, tuple[Finding, ...]]:
    """Return the finding that is the answer, and the rest; what is only worth knowing never is."""
    if findings and findings[0].severity != "info":
        return findings[0], findings[1:]
    return None, findings


def _said(lead: Finding) -> tuple[str, str]:
    """Return the first sentence of a cause, and the rest."""
    headline, *rest = _SENTENCE.split(lead.cause, maxsplit=1)
    return headline, "".join(rest)


def _mark(
    verb: Literal["audit", "diagnose"], lead: Finding | None, ok: bool, words: Phrases
) -> Mark:
    kind: Kind = "error" if not ok else "warning" if lead else "ok"
    return Mark(kind, words(f"doctor.verdict.{verb}.{kind}"))
