"""A forecast as a sentence and its numbers."""

from __future__ import annotations

from nelbo.doctor import Forecast
from nelbo.report import format
from nelbo.report.doctor.level import level
from nelbo.report.doctor.sheet import Foretold, Mark, Numbers, Row
from nelbo.report.words import Phrases


def foretold(found: Forecast | None, words: Phrases) -> Foretold | None:
    """Return the forecast in words, None where there is none."""
    if found is None:
        return None
    mark = Mark(found.verdict, words(f"doctor.verdict.{found.verdict}"))
    return Foretold(found, mark, _sentence(found, words), _numbers(found, words))


def _sentence(found: Forecast, words: Phrases) -> str:
    there, key = level(found), f"doctor.forecast.{found.verdict}"
    if there is None:
        return words("doctor.forecast.nothing")
    top = format.three(there.top)
    if there.variance is None:
        return words(key, top=top, beta=there.text)
    return words(f"{key}.variance", top=top, line=there.noise(words))


def _numbers(found: Forecast, words: Phrases) -> Numbers:
    count = format.count(len(found.eigenvalues))
    known = {
        "margin": format.three(found.margin),
        "dimensions": format.count(found.dimensions),
        "critical_beta": format.three(found.critical_beta),
        "critical_variance": format.three(found.critical_variance),
    }
    rows = tuple(
        Row((
            words(f"doctor.forecast.{name}"), value,
            words(f"doctor.forecast.{name}.meaning", count=count),
        ))
        for name, value in known.items()
        if value != format.three(None)
    )  # fmt: skip
    heads = [words(f"doctor.forecast.{head}") for head in ("quantity", "value", "meaning")]
    columns = (heads[0], f">{heads[1]}", heads[2])
    return Numbers(words("doctor.forecast.heading"), columns, rows, essential=3)
