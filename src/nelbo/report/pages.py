"""What every page shares: its templates, and the list of how it was made."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from nelbo.report import format
from nelbo.report.words import Phrases


@cache
def environment() -> Environment:
    """Return the templates, in which everything is escaped and nothing may be missing."""
    environment = Environment(
        loader=PackageLoader("nelbo.report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters |= {
        "code": _code,
        "three": format.three,
        "exact": format.exact,
        "six": format.six,
        "count": format.count,
    }
    return environment


def _code(text: str) -> Markup:
    """Escape the text and show what stands between backticks as code."""
    return Markup(re.sub(r"`(.+?)`", r"<code>\1</code>", str(escape(text))))  # noqa: S704


def made(record: Mapping[str, Any], words: Phrases) -> list[tuple[str, str]]:
    """Return how a page was made as names and values; what is None is left out."""
    found = []
    for key, value in record.items():
        if value is None:
            continue
        name = words(f"made.{key}") if words.has(f"made.{key}") else key
        found.append((name, _made_value(key, value)))
    return found


def _made_value(key: str, value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_made_value('', item)}" for name, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_made_value("", item) for item in value)
    if key == "seconds" and isinstance(value, int | float):
        return format.duration(value)
    if key.endswith("bytes") and isinstance(value, int | float):
        return format.size(value)
    return f"{value:g}" if isinstance(value, float) else str(value)
