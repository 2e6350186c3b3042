"""`nelbo suggest`."""

from __future__ import annotations

import os
import shlex
import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from nelbo.cli.advice import check_no_run
from nelbo.cli.options import JsonOption, print_json
from nelbo.cli.showing import how_made
from nelbo.data import load
from nelbo.doctor import suggest as run_suggest
from nelbo.report import suggestion
from nelbo.report.words import data_name


def suggest(
    data: Annotated[str, typer.Argument(metavar="DATA", help="mnist, fashion-mnist, or a path.")],
    as_json: JsonOption = False,
) -> None:
    """Look at data and propose likelihood, transform and latents, with reasons.

    **nelbo suggest mnist**

    **nelbo suggest mine.csv --json**
    """
    check_no_run(data, "suggest")
    given = load(data)
    found = run_suggest(given.train)
    if as_json:
        print_json(suggestion.record(found, given.name, how_made(given)))
        return
    command = shlex.join(["nelbo", "train", data, *found.options])
    console = Console(width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else 100)
    console.print(suggestion.screen(found, data_name(given.name)))
    console.print(f"Next: [bold cyan]{escape(command)}", highlight=False, soft_wrap=True)
