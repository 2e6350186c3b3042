"""A sheet in one terminal screen of 100 columns: the verdict and the first finding on top."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rich.box import SIMPLE_HEAD
from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from nelbo.doctor import Finding
from nelbo.report import format
from nelbo.report.doctor import fixing
from nelbo.report.doctor.ascii import in_ascii
from nelbo.report.doctor.evidence import shown
from nelbo.report.doctor.sheet import Foretold, Kind, Mark, Numbers, Sheet
from nelbo.report.estimates import bars
from nelbo.report.words import Phrases

WIDTH = 100
NO_BREAK = "\ue000"  # keeps a name and its number on one line
ROOM = 90  # columns that bars need to stand beside a table
BARS = 20  # latents shown
STYLES: dict[Kind, str] = {
    "error": "bold red", "collapses": "bold red", "warning": "bold yellow",
    "marginal": "bold yellow", "info": "bold blue", "ok": "bold green", "learns": "bold green",
}  # fmt: skip
SIGNS: dict[Kind, str] = {
    "error": "✕", "collapses": "✕", "warning": "!", "marginal": "!", "info": "i", "ok": "✓",
    "learns": "✓",
}  # fmt: skip


def screen(sheet: Sheet, lang: str = "en") -> RenderableType:
    """Return a sheet as what rich prints.

    Args:
        sheet: what was found.
        lang: `"en"` or `"zh"`.

    Raises:
        ValueError: a language without strings.
    """
    return _Screen(sheet, Phrases(lang))


@dataclass(frozen=True)
class _Screen:
    """What is printed; signs and widths suit the terminal."""

    sheet: Sheet
    words: Phrases

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        width = min(options.max_width, WIDTH)
        sheet = in_ascii(self.sheet) if options.ascii_only else self.sheet
        parts = Group(*_parts(sheet, self.words, width))
        for segment in console.render(parts, options.update(width=width, max_width=width)):
            text = segment.text.replace(NO_BREAK, " ")
            yield segment._replace(text=in_ascii(text) if options.ascii_only else text)


@dataclass(frozen=True)
class _Indented:
    """A text whose lines begin further right, and end where they end."""

    text: Text

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        for line in self.text.wrap(console, max(options.max_width - 2, 1)):
            line.rstrip()
            yield Text("  ").append_text(line)


def _parts(sheet: Sheet, words: Phrases, width: int) -> Iterator[RenderableType]:
    yield _title(sheet)
    yield Text()
    rest = _marked(f" {sheet.rest}" * bool(sheet.rest), "")
    yield _marked(sheet.headline, "bold").append_text(rest)
    if sheet.lead is not None:
        yield from _below(sheet.lead, words)
    for finding in sheet.others:
        yield from _other(finding, words)
    for numbers in sheet.tables:
        yield Text()
        yield _table(numbers, width)
    if sheet.foretold is not None:
        yield Text()
        yield from _forecast(sheet.foretold, sheet, width)


def _title(sheet: Sheet) -> Text:
    title = _mark(sheet.mark).append(f"  {sheet.subject}")
    for about in sheet.about:
        title.append(f" · {about}", "dim")
    return title


def _mark(mark: Mark) -> Text:
    return Text().append(f"{SIGNS[mark.kind]} {mark.word}", STYLES[mark.kind])


def _marked(text: str, style: str) -> Text:
    """Show what stands between backticks as code."""
    marked = Text()
    for i, part in enumerate(text.split("`")):
        marked.append(part, f"{style} cyan" if i % 2 else style)
    return marked


def _other(finding: Finding, words: Phrases) -> Iterator[RenderableType]:
    yield Text()
    mark = Mark(finding.severity, words(f"doctor.severity.{finding.severity}"))
    yield _mark(mark).append("  ").append_text(_marked(finding.cause, ""))
    yield from _below(finding, words)


def _below(finding: Finding, words: Phrases) -> Iterator[RenderableType]:
    """Show the evidence and the fix of a finding, with its code."""
    line = Text()
    for name, value in shown(finding.evidence):
        line.append(f"{name} = ".replace(" ", NO_BREAK), "dim").append(value)
        line.append(f"{NO_BREAK}· ", "dim")
    line.append(f"{words('doctor.code')}{NO_BREAK}", "dim").append(finding.code)
    yield _Indented(line)
    if finding.fix:
        fix = Text().append(f"{words('doctor.fix')} ", "bold")
        for piece in fixing.pieces(finding.fix):
            apart = " " if piece.kind == "block" else ""
            style = "" if piece.kind == "prose" else "cyan"
            fix.append(piece.text + apart, style)
        yield _Indented(fix)


def _forecast(foretold: Foretold, sheet: Sheet, width: int) -> Iterator[RenderableType]:
    if sheet.headline != foretold.sentence:
        sentence = Text(f"  {foretold.sentence}")
        yield _mark(foretold.mark).append_text(sentence)
    else:
        yield _table(foretold.numbers, width)
    for note in foretold.forecast.notes:
        yield _Indented(_marked(note, "dim"))


def _table(numbers: Numbers, width: int) -> Table:
    count = numbers.essential
    table = Table(box=SIMPLE_HEAD, padding=(0, 2, 0, 0), pad_edge=False, show_edge=False)
    for i in range(count):
        head, numeric = Text(numbers.head(i), "dim"), numbers.numeric(i)
        justify = "right" if numeric else "left"
        table.add_column(head, justify=justify, no_wrap=numeric or i == 0, overflow="fold")
    drawn = width >= ROOM and any(row.parts for row in numbers.rows)
    if drawn:
        table.add_column(Text(numbers.each, "dim"), no_wrap=True)
    for row in numbers.rows:
        cells = [_parsable(Text(row.cells[i]), numbers.numeric(i)) for i in range(count)]
        table.add_row(*cells, *([Text(_bars(row.parts), "cyan")] if drawn else []))
    return table


def _bars(parts: tuple[float, ...]) -> str:
    """Return bars, of many latents evenly spaced ones."""
    few = min(len(parts), BARS)
    return bars(tuple(parts[i * len(parts) // few] for i in range(few)))


def _parsable(cell: Text, numeric: bool) -> Text:
    """Show numbers as every program parses them."""
    return Text(format.ascii_numbers(cell.plain)) if numeric else cell
