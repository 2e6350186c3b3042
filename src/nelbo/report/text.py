"""The comparison in one terminal screen of 100 columns."""

from __future__ import annotations

from dataclasses import dataclass

from rich.box import SIMPLE_HEAD
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from nelbo.compare.results import Comparison as Results
from nelbo.compare.results import Row
from nelbo.report import format, story, table
from nelbo.report.words import Words

COLUMNS = ("loss", "verdict", "variance", "margin", "active", "kl", "error", "bound")
STYLES = {"collapses": "bold red", "learns": "green"}
WIDTH = 100
ROOM = 96  # columns that the bound needs to stand beside the rest


def comparison(c: Results, lang: str = "en") -> RenderableType:
    """Return the sentence and the table.

    Args:
        c: what `compare` returned.
        lang: `"en"` or `"zh"`.

    Raises:
        ValueError: a language without strings.
    """
    return _Screen(c, Words(lang, c))


@dataclass(frozen=True)
class _Screen:
    """What is printed; marks and signs suit the encoding of the terminal."""

    c: Results
    words: Words

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        plain = options.ascii_only
        parts: list[RenderableType] = [_marked(story.answer(self.c, self.words)), Text()]
        if self.c.rows:
            wide = options.max_width >= ROOM
            shown = COLUMNS if wide else COLUMNS[:-1]
            parts.append(_table(self.c, self.words, plain, shown))
            parts += _notes(self.c, self.words, bounds=wide)
        parts += [_refused(refused.name, refused.reason, self.words) for refused in self.c.refused]
        width = min(options.max_width, WIDTH)
        yield from console.render(Group(*parts), options.update(width=width, max_width=width))


def _marked(text: str) -> Text:
    """Show names in bold, without their backticks."""
    marked = Text(style="")
    for i, part in enumerate(text.split("`")):
        marked.append(part, "bold cyan" if i % 2 else "bold")
    return marked


def _table(c: Results, words: Words, plain: bool, shown: tuple[str, ...]) -> Table:
    sheet = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    columns = {column.key: column for column in table.columns(c, words)}
    for key in shown:
        column = columns[key]
        head = Text(column.head).append(f"\n{column.short}" if column.short else "", "not bold dim")
        justify = "right" if column.numeric else "left"
        sheet.add_column(head, justify=justify, overflow="fold", no_wrap=key != "loss")
    for row in c.rows:
        cells = _cells(row, words, plain, _letters(c)[row.base_measure])
        sheet.add_row(*cells[: len(shown)])
    return sheet


def _cells(row: Row, words: Words, plain: bool, letter: str) -> list[Text]:
    style = STYLES[row.verdict]
    cells = table.cells(row, words)
    marks = {"collapses": "x" if plain else "✕", "learns": "+" if plain else "✓"}
    found = []
    for key in COLUMNS:
        text = format.ascii_numbers(cells[key].text) if key not in ("loss", "verdict") else ""
        found.append(Text(text or cells[key].text))
    found[0].stylize(style if row.verdict == "collapses" else "")
    found[1] = Text(f"{marks[row.verdict]} {cells['verdict'].text}", style)
    error = format.ascii_numbers(cells["se"].text)
    found[-1].append(f" {'+-' if plain else '±'} {error}", "dim").append(f" {letter}", "dim")
    return found


def _letters(c: Results) -> dict[str, str]:
    """Return a letter for each base measure: rows of one letter compare."""
    measures = dict.fromkeys(row.base_measure for row in c.rows)
    return {measure: chr(ord("a") + i) for i, measure in enumerate(measures)}


def _notes(c: Results, words: Words, bounds: bool) -> list[Text]:
    notes = [Text(), Text(story.measured(c, words, "text"), "dim")]
    return [*notes, Text(_measures(c, words), "dim")] if bounds else notes


def _measures(c: Results, words: Words) -> str:
    grey, rows = story.grey_masses(c), {row.base_measure: row for row in c.rows}
    key = []
    for measure, letter in _letters(c).items():
        base = table.base(rows[measure], words)
        named = words("text.grey", base=base) if rows[measure] in grey else base
        key.append(f"{letter} {named}")
    return words("text.bounds", measures=words("list.comma").join(key))


def _refused(name: str, reason: str, words: Words) -> Text:
    return Text(f"{name}: {words('verdict.refused')}. {reason}", "dim")
