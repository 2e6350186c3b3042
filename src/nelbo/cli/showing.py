"""What the doctor's verbs share: options, refusals before any work, output, exit code."""

from __future__ import annotations

import os
import shlex
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from rich.console import Console

from nelbo.cli.options import new_file, print_json
from nelbo.data import Data
from nelbo.doctor import Audit, Diagnosis, Forecast
from nelbo.errors import BadValue
from nelbo.report import doctor
from nelbo.report.words import data_name, strings

WRONG = 1  # the exit code that makes a CI job fail

HtmlOption = Annotated[
    Path | None, typer.Option("--html", metavar="FILE", help="Write a page as well, a .html file.")
]
LangOption = Annotated[str, typer.Option("--lang", metavar="en|zh", help="Language of the labels.")]


def check_output(html: Path | None, lang: str) -> None:
    """Refuse, before any work, a page that could not be written, or a language without strings."""
    strings(lang)
    if html is None:
        return
    if html.suffix.lower() not in (".html", ".htm"):
        fix = "For example --html report.html."
        raise BadValue("html", expected="a file ending in .html", got=f"'{html}'", fix=fix)
    if html.is_dir():
        fix = "For example --html report.html."
        raise BadValue("html", expected="a file", got=f"the folder {html}", fix=fix)
    if not os.access(new_file(html, "html").parent, os.W_OK):
        got, fix = f"{html.parent}, which cannot be written", "Choose another folder."
        raise BadValue("html", expected="a folder to write in", got=got, fix=fix)


def show(
    sheet: doctor.Sheet,
    found: Audit | Forecast | Diagnosis,
    as_json: bool,
    html: Path | None,
    lang: str,
) -> None:
    """Write the page, print the screen or the JSON, and leave with 1 where something is wrong."""
    if html is not None:
        from nelbo.report.doctor import page  # loads what only pages need

        page.write(sheet, html, lang)
    if as_json:
        print_json(doctor.record(sheet, found))
    else:
        console = Console(width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else 100)
        console.print(doctor.screen(sheet, lang))
        if html is not None:
            console.print(strings(lang)["doctor.page"].format(path=html), soft_wrap=True)
    raise typer.Exit(0 if sheet.ok else WRONG)


def how_made(data: Data | None, **settings: Any) -> dict[str, Any]:
    """Return what has to be known to get the same again."""
    record: dict[str, Any] = {"command": shlex.join(["nelbo", *sys.argv[1:]])}
    if data is not None:
        record |= {"provenance": data.provenance, "checksum": data.checksum}
    return {
        **record,
        **settings,
        "versions": {"nelbo": version("nelbo"), "torch": torch.__version__},
    }


def counted(count: int, noun: str) -> str:
    """Return a number with its noun.

    Example:
        >>> counted(60_000, "example"), counted(1, "latent")
        ('60,000 examples', '1 latent')
    """
    return f"{count:,} {noun}" + "s" * (count != 1)


def about_data(data: Data) -> str:
    """Return the data's name and size, in words."""
    return f"{data_name(data.name)}, {counted(len(data.train), 'example')}"
