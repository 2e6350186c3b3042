"""`nelbo forecast`."""

from __future__ import annotations

from typing import Annotated

import typer

from nelbo import registry
from nelbo.cli.advice import CHOOSE, GAP, OUTSIDE, advised, check_no_run
from nelbo.cli.auto import AUTO
from nelbo.cli.loss_arguments import ordered
from nelbo.cli.options import JsonOption, usual_transform
from nelbo.cli.shapes import flattened
from nelbo.cli.showing import HtmlOption, LangOption, about_data, check_output, how_made, show
from nelbo.cli.user_code import user_code
from nelbo.data import Data, load
from nelbo.doctor import Forecast
from nelbo.doctor import forecast as run_forecast
from nelbo.doctor import suggest as run_suggest
from nelbo.errors import BadValue
from nelbo.report import doctor

DEFAULT = "bernoulli"
FILLED = "Use --likelihood auto, which fills them in, or leave incomplete rows out of the file."


def forecast(
    data: Annotated[str, typer.Argument(metavar="DATA", help="mnist, fashion-mnist, or a path.")],
    likelihood: Annotated[
        str | None,
        typer.Option(
            metavar="SPEC",
            help="E.g. gaussian:variance=392, or auto: what suits the data. [default: bernoulli]",
        ),
    ] = None,
    beta: Annotated[float, typer.Option(help="Weight of the KL.")] = 1.0,
    loss: Annotated[
        str | None, typer.Option(metavar="FILE.py:NAME", help="A loss of yours, in torch, instead.")
    ] = None,
    output: Annotated[
        str,
        typer.Option(metavar="mean|prob|logits|mean+logvar", help="What the loss's recon holds."),
    ] = "mean",
    latent: Annotated[int, typer.Option(min=1, help="Latent dimensions, for a loss.")] = 20,
    as_json: JsonOption = False,
    html: HtmlOption = None,
    lang: LangOption = "en",
) -> None:
    """Say whether a VAE will learn from this data, before training; exit with 1 if not.

    **nelbo forecast mnist --likelihood gaussian:variance=392**

    **nelbo forecast mine.npy --loss my_code.py:my_loss --beta 4 --html forecast.html**
    """
    check_output(html, lang)
    check_no_run(data, "forecast", () if loss else ("likelihood",))
    if likelihood is not None and loss is not None:
        fix = "Leave one of them out."
        raise BadValue("forecast", expected="--likelihood or --loss", got="both", fix=fix)
    if likelihood == AUTO:
        given = load(data)
        found, belief = _of_suggestion(given, beta)
        made = how_made(given, likelihood=likelihood, beta=beta)
    elif loss is None:
        chosen = registry.build("likelihood", likelihood or DEFAULT)
        given = load(data, transform=usual_transform(chosen))
        with advised(OUTSIDE, CHOOSE, likelihood is None), advised(GAP, FILLED):
            found = run_forecast(given.train, chosen, beta)
        belief = chosen.belief
        made = how_made(given, likelihood=likelihood or DEFAULT, beta=beta)
    else:
        given = load(data)
        with advised(GAP, "Leave incomplete rows out of the file."):
            found, belief = _of_loss(loss, given, beta, output, latent)
        made = how_made(given, call=belief, beta=beta, output=output, latent=latent)
    about = (belief, f"β = {beta:g}")
    show(doctor.forecast(found, about_data(given), about, made, lang), found, as_json, html, lang)


def _of_suggestion(given: Data, beta: float) -> tuple[Forecast, str]:
    """Return the forecast of the likelihood that suits the data, with its belief."""
    found = run_suggest(given.train)
    if found.forecast is None or beta != 1:
        expected = "data of which a forecast can be made, and beta = 1"
        got = f"beta = {beta:g}" if beta != 1 else "; ".join(found.notes) or "none"
        fix = f"Name it: --likelihood '{found.text}'."
        raise BadValue("--likelihood auto", expected=expected, got=got, fix=fix)
    return found.forecast, found.likelihood.belief


def _of_loss(
    place: str, given: Data, beta: float, output: str, latent: int
) -> tuple[Forecast, str]:
    """Return the forecast of the user's loss, and how it is called."""
    with user_code(place) as written:
        loss, call = ordered(written, place.rpartition(":")[2])
        found, _ = flattened(
            given.train,
            lambda train: run_forecast(train, beta=beta, loss=loss, output=output, latent=latent),
        )
    return found, call
