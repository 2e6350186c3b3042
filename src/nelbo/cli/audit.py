"""`nelbo audit`."""

from __future__ import annotations

from typing import Annotated

import typer

from nelbo.cli.loss_arguments import ordered
from nelbo.cli.options import JsonOption, SeedOption
from nelbo.cli.shapes import flattened, shape_text
from nelbo.cli.showing import (
    HtmlOption,
    LangOption,
    about_data,
    check_output,
    counted,
    how_made,
    show,
)
from nelbo.cli.user_code import user_code
from nelbo.data import Indexed, load
from nelbo.doctor import Audit
from nelbo.doctor import audit as run_audit
from nelbo.report import doctor
from nelbo.rng import seeded

LossArgument = Annotated[
    str, typer.Argument(metavar="FILE.py:NAME", help="The loss, or package.module:NAME.")
]
OutputOption = Annotated[
    str, typer.Option(metavar="mean|prob|logits|mean+logvar", help="What recon holds.")
]


def audit(
    loss: LossArgument,
    data: Annotated[str, typer.Option("--data", help="mnist, fashion-mnist, or a path.")] = "mnist",
    latent: Annotated[int, typer.Option(min=1, help="Latent dimensions.")] = 20,
    output: OutputOption = "mean",
    batch: Annotated[int, typer.Option(min=1, help="Examples to probe with.")] = 100,
    seed: SeedOption = 0,
    as_json: JsonOption = False,
    html: HtmlOption = None,
    lang: LangOption = "en",
) -> None:
    """Find out what a loss really says, by calling it; exit with 1 if it would not fit a VAE.

    **nelbo audit my_code.py:my_loss --data mnist --latent 20 --output prob**

    **nelbo audit my_code.py:my_loss --data mine.npy --html audit.html**

    The loss is loss(x, recon, mu, logvar), in torch, NumPy, Chainer, JAX or Keras.
    """
    check_output(html, lang)
    with user_code(loss) as written:
        function, call = ordered(written, loss.rpartition(":")[2])
        given = load(data)

        def probed(train: Indexed) -> Audit:
            return run_audit(function, train.spread(batch)[:], latent, output, data=train)

        with seeded(seed):
            found, flat = flattened(given.train, probed)
            flat = flat or any(finding.code == "flattened" for finding in found.findings)
    about = (about_data(given), counted(latent, "latent"), f"output: {output}")
    made = how_made(
        given,
        call=call,
        examples=shape_text(given.train, flat),
        latent=latent,
        batch=batch,
        seed=seed,
    )
    show(doctor.audit(found, loss, about, made, lang), found, as_json, html, lang)
