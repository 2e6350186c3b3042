"""Every measured number with its unit, its standard error and its counts."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from nelbo.evaluate import Estimate
from nelbo.report import format
from nelbo.report.doctor.sheet import Numbers, Row
from nelbo.report.words import Phrases

_ABBREVIATION = re.compile(r"\b(?:kl|elbo|pca)\b")


def measures(found: Mapping[str, Estimate], words: Phrases) -> tuple[Numbers, ...]:
    """Return the table of the measures."""
    heads = ("measure", ">value", ">error", "unit", ">examples", ">samples")
    columns = tuple(
        ">" * head.startswith(">") + words(f"doctor.measures.{head.removeprefix('>')}")
        for head in heads
    )
    rows = tuple(_row(name, estimate) for name, estimate in found.items())
    heading, note, each = (words(f"doctor.measures.{key}") for key in ("heading", "note", "each"))
    return (Numbers(heading, columns, rows, essential=4, note=note, each=each),)


def _row(name: str, e: Estimate) -> Row:
    unit = e.unit + (f", {e.base_measure}" if e.base_measure else "")
    whole = math.isfinite(e.value) and e.value == round(e.value) and not e.standard_error
    cells = (
        _ABBREVIATION.sub(lambda found: found.group().upper(), name.replace("_", " ")),
        format.exact(e.value) if whole else format.three(e.value),
        format.two(e.standard_error),
        unit,
        format.count(e.examples),
        "" if e.samples is None else format.count(e.samples),
    )
    return Row(cells, tuple(sorted(e.parts, reverse=True)))
