"""`nelbo fit-prior`."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from nelbo import registry
from nelbo.cli.options import (
    DeviceOption,
    RunArgument,
    SeedOption,
    chosen_device,
    run_data,
)
from nelbo.train import RunFolder, load
from nelbo.train import fit_prior as run_fit

KEPT = ("transform", "covariates", "header")  # of what a run records of its data


def fit_prior(
    run: RunArgument,
    prior: Annotated[
        str,
        typer.Option(metavar="SPEC", help=f"One of: {', '.join(registry.names('prior'))}."),
    ] = "mixture",
    out: Annotated[
        Path | None, typer.Option(help="Folder of the new model. [default: runs/RUN-PRIOR]")
    ] = None,
    data: Annotated[
        str | None,
        typer.Option("--data", help="Other data than the run's own: a name or a path."),
    ] = None,
    epochs: Annotated[int, typer.Option(help="Passes over the latents.")] = 10,
    batch: Annotated[int, typer.Option(help="Latents a step.")] = 100,
    lr: Annotated[float, typer.Option(help="Adam's first step size; it falls to 0.")] = 1e-3,
    seed: SeedOption = 0,
    device: DeviceOption = "auto",
) -> None:
    """Fit another prior to a trained model's latents: it samples better, the rest stays.

    **nelbo fit-prior runs/first --prior mixture:components=10 --out runs/sampler**

    **nelbo fit-prior runs/vq --prior autoregressive_codes --epochs 20**
    """
    built = registry.build("prior", prior)
    out = out or Path("runs") / f"{run.resolve().name}-{registry.parse(prior)['name']}"
    model, given = load(run).to(chosen_device(device)), run_data(run, data)
    recorded = RunFolder(run).config()["data"]
    kept = {name: recorded[name] for name in KEPT if name in recorded}
    try:
        run_fit(
            model,
            given.train,
            built,
            epochs=epochs,
            batch=batch,
            lr=lr,
            seed=seed,
            out=out,
            about={"name": given.place, "checksum": given.checksum, **kept, "run": str(run)},
        )
    except KeyboardInterrupt:
        typer.echo(
            f"Interrupted: nothing was written, and {run} is as it was. There is nothing to go on "
            "from: begin again by the same command, with fewer --epochs if it takes too long.",
            err=True,
        )
        raise
    place = quote(str(out))
    typer.echo(f"{out}: written. Next: nelbo sample {place}, nelbo evaluate {place}")
