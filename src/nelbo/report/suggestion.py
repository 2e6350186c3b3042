"""A suggestion in one terminal screen of 100 columns, and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.padding import Padding
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from nelbo.doctor import Suggestion
from nelbo.doctor.suggest import Reason
from nelbo.report import format
from nelbo.report.doctor.ascii import in_ascii
from nelbo.report.doctor.evidence import shown
from nelbo.report.doctor.json import SCHEMA
from nelbo.report.doctor.text import SIGNS, STYLES, WIDTH
from nelbo.report.json import plain


def screen(found: Suggestion, subject: str) -> RenderableType:
    """Return a suggestion as what rich prints.

    Args:
        found: what `nelbo.suggest` returned.
        subject: the data's name.
    """
    return _Screen(found, subject)


def record(found: Suggestion, subject: str, made: Mapping[str, Any]) -> dict[str, Any]:
    """Return a suggestion as JSON can hold it: unrounded, complete.

    Args:
        found: what `nelbo.suggest` returned.
        subject: the data's name.
        made: how it was made, by name.
    """
    head = {"schema": SCHEMA, "command": "nelbo suggest", "subject": subject}
    return {**head, **plain(found), "likelihood": found.text, "made": plain(made)}


@dataclass(frozen=True)
class _Screen:
    """What is printed; signs and widths suit the terminal."""

    found: Suggestion
    subject: str

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        width = min(options.max_width, WIDTH)
        parts = Group(*_parts(self.found, self.subject))
        for segment in console.render(parts, options.update(width=width, max_width=width)):
            yield segment._replace(text=in_ascii(segment.text)) if options.ascii_only else segment


def _parts(found: Suggestion, subject: str) -> Iterator[RenderableType]:
    yield Text(subject, "bold").append(f" · {found.kind}", "not bold dim")
    yield Text()
    yield _choices(found)
    if found.alternatives:
        yield Text("\nAlso possible", "bold")
        yield Padding(_others(found), (0, 0, 0, 2))
    if found.notes:
        yield Text()
    for note in found.notes:
        yield _grid((Text("!", "bold yellow"), Text(note)))
    yield Text()


def _choices(found: Suggestion) -> Table:
    # spaces, so that a long one breaks between its arguments
    likelihood = found.text.replace(",", ", ")
    chosen = {"likelihood": likelihood, "transform": found.transform, "latent": f"{found.latent}"}
    rows = [(Text(name, "dim"), _chosen(text, found.reason(name))) for name, text in chosen.items()]
    if found.forecast is not None:
        verdict = found.forecast.verdict
        said = Text().append(f"{SIGNS[verdict]} {verdict}", STYLES[verdict])
        margin = format.ascii_numbers(format.three(found.forecast.margin))
        said.append(f"  margin {margin}: the largest variance in units of the noise, ")
        said.append("1 and below collapses")
        rows.append((Text("forecast", "dim"), said))
    return _grid(*rows)


def _chosen(text: str, reason: Reason) -> Text:
    said = Text().append(text, "bold cyan").append(f"\n{reason.because}")
    numbers = " · ".join(f"{name} = {value}" for name, value in shown(reason.evidence))
    return said.append(f"\n{format.ascii_numbers(numbers)}", "dim") if numbers else said


def _others(found: Suggestion) -> Table:
    rows = []
    for other in found.alternatives:
        said = Text(other.when)
        if other.transform != found.transform:
            said.append(f", with {other.transform}")
        if other.behind is not None:
            by = format.ascii_numbers(format.three(abs(other.behind)))
            word = "worse" if other.behind >= 0 else "better"
            said.append(f" ({by} nats per value {word})", "dim")
        rows.append((Text(other.likelihood, "cyan"), said))
    return _grid(*rows)


def _grid(*rows: tuple[Text, Text]) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(max_width=40, overflow="fold")
    table.add_column(overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table
