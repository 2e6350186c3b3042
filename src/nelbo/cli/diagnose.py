"""`nelbo diagnose`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from nelbo.cli.options import JsonOption, SeedOption, run_data
from nelbo.cli.shapes import flattened
from nelbo.cli.showing import HtmlOption, LangOption, check_output, counted, how_made, show
from nelbo.cli.user_code import user_code
from nelbo.data import Data, Indexed, load
from nelbo.doctor import Diagnosis
from nelbo.doctor import diagnose as run_diagnosis
from nelbo.errors import BadValue
from nelbo.report import doctor
from nelbo.report.words import data_name
from nelbo.train import load as load_run

ADAPT = "Return nelbo.adapt(encode=..., decode=...) from it."


def diagnose(
    model: Annotated[
        str,
        typer.Argument(
            metavar="RUN", help="A run's folder, or FILE.py:NAME of a nelbo.adapt(...)."
        ),
    ],
    data: Annotated[
        str | None,
        typer.Option("--data", help="A name or a path. [default: the run's own; of code, mnist]"),
    ] = None,
    examples: Annotated[
        int, typer.Option(min=2, help="So many of the test set, evenly spaced.")
    ] = 2000,
    seed: SeedOption = 0,
    as_json: JsonOption = False,
    html: HtmlOption = None,
    lang: LangOption = "en",
) -> None:
    """Say what became of a trained model, and why; exit with 1 if something is wrong.

    **nelbo diagnose runs/first --html diagnosis.html**

    **nelbo diagnose my_code.py:my_vae --data mnist**

    In my_code.py: my_vae = nelbo.adapt(encode=..., decode=...), or a function that returns one.
    """
    check_output(html, lang)
    if _is_run(model):
        trained, given = load_run(model), run_data(Path(model), data)
        trained.encode(given.test[:1])  # refuses examples of another shape
        found = run_diagnosis(trained, given.test, examples=examples, seed=seed)
    else:
        found, given = _of_code(model, data or "mnist", examples, seed)
    size = f"{data_name(given.name)}, {counted(min(examples, len(given.test)), 'test example')}"
    made = how_made(given, examples=examples, seed=seed)
    show(doctor.diagnosis(found, model, (size,), made, lang), found, as_json, html, lang)


def _is_run(model: str) -> bool:
    """Return whether a folder is meant: it is one, or nothing in the text says code."""
    return Path(model).is_dir() or not (":" in model or model.endswith(".py"))


def _of_code(place: str, data: str, examples: int, seed: int) -> tuple[Diagnosis, Data]:
    with user_code(place) as written:
        model = _adapter(written, place)
        given = load(data)

        def diagnosed(test: Indexed) -> Diagnosis:
            return run_diagnosis(model, test, examples=examples, seed=seed)

        found, _ = flattened(given.test, diagnosed)
    return found, given


def _adapter(written: Any, place: str) -> Any:
    """Return the model, or what a function that makes it returns."""
    if (
        hasattr(written, "terms")
        and hasattr(written, "reconstruct")
        and not isinstance(written, type)
    ):
        return written
    if not isinstance(written, Callable) or isinstance(written, type):
        got = f"{written!r}"[:60]
        raise BadValue(place, expected="a nelbo.adapt(...) or a nelbo.VAE", got=got, fix=ADAPT)
    try:
        made = written()
    except TypeError as error:
        if error.__traceback__ is not None and error.__traceback__.tb_next is not None:
            raise  # from inside the function, which was called
        got, fix = "one with arguments", "Give them defaults, or name the nelbo.adapt(...) itself."
        raise BadValue(place, expected="a function without arguments", got=got, fix=fix) from None
    if made is None:
        raise BadValue(place, expected="a nelbo.adapt(...)", got="None", fix=ADAPT)
    return made
