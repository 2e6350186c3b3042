"""The answer, the reasons and the notes, made from the measured numbers.

Names of losses stand between backticks; each surface shows them in its own way.
"""

from __future__ import annotations

import math

from nelbo.compare.results import Comparison, Row
from nelbo.evaluate.estimate import Estimate
from nelbo.report import facts, format
from nelbo.report.facts import Cause
from nelbo.report.words import Words

_ADVICE = {
    "variance": "fix.collapsed", "margin": "fix.margin", "marginal": "fix.marginal",
    "unexplained": "fix.training",
}  # fmt: skip


def answer(c: Comparison, words: Words) -> str:
    """Return the answer in one sentence."""
    if not c.rows:
        return words("answer.nothing")
    groups = _collapsed_groups(c)
    if groups:
        return _collapse(c, *groups[0], words)
    if despite := facts.despite(c):
        return words("answer.despite", names=facts.code(despite, words), margin=_margins(despite))
    smallest = min(c.rows, key=lambda row: row.margin)
    margin = format.three(smallest.margin)
    key = "answer.learns" + ".marginal" * (smallest.forecast == "marginal")
    return words(key, margin=margin, names=facts.code([smallest], words))


def reasons(c: Comparison, words: Words) -> list[str]:
    """Return why, one sentence or two a reason; empty where there is nothing to add."""
    found = [_averaged(c, words), _contrast(c, words)]
    for i, (cause, rows) in enumerate(_collapsed_groups(c)):
        sentences = [_collapse(c, cause, rows, words)] if i else []
        sentences += [_late(row, words) for row in rows if cause in ("marginal", "unexplained")]
        found.append(words("joiner").join(sentences))
    if (despite := facts.despite(c)) and facts.collapsed(c):
        names, margin = facts.code(despite, words), _margins(despite)
        found.append(words("why.despite", names=names, margin=margin))
    return [reason for reason in found if reason]


def advice(c: Comparison, words: Words) -> list[str]:
    """Return what to do, before the code."""
    top = format.three(facts.top(c))
    groups = _collapsed_groups(c)
    case = _ADVICE[groups[0][0]] if groups else "fix.learns"
    learned = next((r for r in c.rows if r.variance_source == "learned"), None)
    lines = [words(case, top=top)]
    if learned is not None and learned.verdict == "learns":
        lines.append(words("fix.variance.learned", variance=facts.variance(learned)))
    else:
        lines.append(words("fix.variance"))
    return lines


def notes(c: Comparison, words: Words) -> list[str]:
    """Return what has to be known to read the table."""
    found = [measured(c, words), words("note.margin"), words("note.active")]
    found.append(words("note.error", constant=format.three(c.total_variance)))
    without = [row for row in c.rows if row.variance is None]
    if without:
        found.append(words("note.variance", names=facts.code(without, words)))
    if len({row.base_measure for row in c.rows}) > 1:
        found.append(words("note.base"))
    if any(row.base_measure.startswith("density") for row in c.rows):
        found.append(words("note.density"))
    if grey := grey_masses(c):
        found.append(words("note.grey", names=facts.code(grey, words)))
    return found


def grey_masses(c: Comparison) -> list[Row]:
    """Return the rows that are a mass on {0, 1} while the data shown has values between."""
    between = bool(((c.originals > 0) & (c.originals < 1)).any())
    return [row for row in c.rows if between and row.base_measure.startswith("mass on {0, 1}")]


def _collapsed_groups(c: Comparison) -> list[tuple[Cause, list[Row]]]:
    order: tuple[Cause, ...] = ("variance", "margin", "marginal", "unexplained")
    rows = facts.collapsed(c)
    found: list[tuple[Cause, list[Row]]] = []
    for cause in order:
        group = [row for row in rows if facts.cause(c, row) == cause]
        if group:
            found.append((cause, group))
    return found


def _collapse(c: Comparison, cause: Cause, rows: list[Row], words: Words) -> str:
    number = "one" if len(rows) == 1 else "many"
    alike = all(facts.looks_the_same(c, row) for row in rows)
    deviation = rows[0].estimates.get("output_deviation")
    return words(
        f"answer.{cause}.{number}",
        names=facts.code(rows, words),
        examples=format.count(deviation.examples if deviation else c.test_examples),
        same=words("same.exact" if alike else "same.nearly"),
        variance=words.list([facts.variance(row) for row in rows]),
        margin=words.list([format.three(row.margin) for row in rows]),
        top=format.three(facts.top(c)),
    )


def _averaged(c: Comparison, words: Words) -> str:
    row = facts.averaged(c)
    if row is None or row.variance is None:
        return ""
    top, features = facts.top(c), format.count(c.features)
    values = {"features": features, "variance": facts.variance(row)}
    if row.verdict == "collapses" and 0 < top < row.variance:
        return words("why.averaged", ratio=format.three(row.variance / top), **values)
    if row.verdict == "learns" and row.variance < top:
        return words("why.averaged_learns", top=format.three(top), **values)
    return ""


def _contrast(c: Comparison, words: Words) -> str:
    """Say that another loss learns with the same network, where something collapsed."""
    if not facts.collapsed(c):
        return ""
    summed, averaged = facts.summed(c), facts.averaged(c)
    pair = summed and averaged and (summed.verdict, averaged.verdict) == ("learns", "collapses")
    row = summed if pair else facts.best(c)
    if row is None or math.isnan(facts.value(row, "squared_error")):
        return ""
    return words(
        "why.summed" if pair else "why.best",
        name=f"`{row.name}`",
        variance=facts.variance(row),
        error=format.three(facts.value(row, "squared_error")),
        constant=format.three(c.total_variance),
    )


def _late(row: Row, words: Words) -> str:
    key = "why.slow" if facts.is_slow(row) else "why.training"
    return words(key, names=f"`{row.name}`", margin=format.three(row.margin))


def measured(c: Comparison, words: Words, where: str = "note") -> str:
    """Return on how many examples, with how many samples, the numbers were measured."""
    errors, bounds = _estimates(c, "squared_error"), _estimates(c, "importance_bound")
    examples = format.count(errors[0].examples if errors else c.test_examples)
    if not bounds or bounds[0].samples is None:
        return words(f"{where}.measured.plain", examples=examples)
    bound = {
        "bounded": format.count(bounds[0].examples),
        "samples": format.count(bounds[0].samples),
    }
    return words(f"{where}.measured", examples=examples, **bound)


def _estimates(c: Comparison, name: str) -> list[Estimate]:
    return [row.estimates[name] for row in c.rows if name in row.estimates]


def _margins(rows: tuple[Row, ...]) -> str:
    return ", ".join(format.three(row.margin) for row in rows)
