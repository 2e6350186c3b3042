"""`nelbo train`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from shlex import quote
from typing import Annotated, Any

import torch
import typer

from nelbo import registry
from nelbo.cli.advice import CHOOSE, OUTSIDE, advised, check_not_resumed
from nelbo.cli.auto import followed
from nelbo.cli.options import DeviceOption, chosen_device, usual_transform, with_hidden
from nelbo.data import Indexed, WithCovariates, load_with
from nelbo.data.header import SHOWN, Header, named
from nelbo.data.transforms import as_transform
from nelbo.errors import BadValue
from nelbo.likelihoods import Likelihood
from nelbo.model import AXES, VAE
from nelbo.rng import generator, seeded
from nelbo.train import Interrupted, RunFolder, fit
from nelbo.world import World, joined, own_device

DEFAULTS: dict[str, Any] = {
    "likelihood": "bernoulli",
    "posterior": "diagonal",
    "prior": "standard",
    "objective": "elbo",
    "network": "mlp",
    "latent": 20,
    "batch": 100,
    "epochs": 10,
    "lr": 1e-3,
    "seed": 0,
    "precision": "fp32",
    "missing": False,
    "covariates": None,
}
HELD_OUT = 0.1


def _axis(name: str, example: str) -> Any:
    text = f"One of: {', '.join(registry.names(name))}." + f" E.g. {example}" * bool(example)
    return typer.Option(f"--{name}", metavar="SPEC", help=text)


def train(
    data: Annotated[
        str | None, typer.Argument(metavar="DATA", help="mnist, fashion-mnist, or a path.")
    ] = None,
    likelihood: Annotated[
        str | None, _axis("likelihood", "gaussian:sigma=learned, or auto: what suits the data.")
    ] = None,
    posterior: Annotated[str | None, _axis("posterior", "")] = None,
    prior: Annotated[str | None, _axis("prior", "")] = None,
    objective: Annotated[str | None, _axis("objective", "elbo:beta=linear(steps=3000)")] = None,
    network: Annotated[str | None, _axis("network", "mlp:hidden=(200,200),activation=relu")] = None,
    transform: Annotated[str | None, _axis("transform", "")] = None,
    hidden: Annotated[
        str | None, typer.Option("--hidden", metavar="500,500", help="Sizes of the MLP's layers.")
    ] = None,
    latent: Annotated[int | None, typer.Option(help="Latent dimensions. [default: 20]")] = None,
    missing: Annotated[
        bool | None,
        typer.Option(
            "--missing", help="Entries may be missing: empty cells, NaN.", show_default=False
        ),
    ] = None,
    covariates: Annotated[
        str | None,
        typer.Option(
            metavar="labels|COLUMNS",
            help="What the model depends on beside its latents: labels, or columns of a table by "
            "name or number, such as age,sex.",
        ),
    ] = None,
    batch: Annotated[
        int | None, typer.Option(help="Examples a step, of all processes. [default: 100]")
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the data. [default: 10]")] = None,
    lr: Annotated[float | None, typer.Option(help="Adam's step size. [default: 0.001]")] = None,
    clip: Annotated[float | None, typer.Option(help="Largest norm of the gradient.")] = None,
    patience: Annotated[
        int | None,
        typer.Option(
            help="Stop after so many epochs without a better ELBO (at beta = 1) on a tenth of the "
            "training data that is held out for it, and keep the best weights."
        ),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of all randomness. [default: 0]")] = None,
    precision: Annotated[
        str | None, typer.Option(metavar="fp32|bf16|auto", help="Of the networks. [default: fp32]")
    ] = None,
    compile: Annotated[
        bool | None,
        typer.Option(
            "--compile/--no-compile",
            help="Compile whole steps: a wait of up to a minute, then faster. [default: where the "
            "run is long enough]",
            show_default=False,
        ),
    ] = None,
    device: DeviceOption = "auto",
    out: Annotated[
        Path | None, typer.Option(help="Folder of the run. [default: runs/DATA-LIKELIHOOD]")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a run: nelbo train --resume RUN.")
    ] = False,
) -> None:
    """Train a model; the run's folder holds all that is needed to use it and to go on.

    **nelbo train mnist --likelihood gaussian:sigma=learned --epochs 10 --out runs/first**

    **nelbo train mine.npy --hidden 200,200 --latent 8 --patience 5**

    **nelbo train mine.csv --likelihood auto**

    **nelbo train --resume runs/first --epochs 20**

    Several processes share every batch: **torchrun --nproc-per-node 2 -m nelbo train mnist**
    """
    given = {
        "likelihood": likelihood, "posterior": posterior, "prior": prior, "objective": objective,
        "network": with_hidden(network, hidden), "transform": transform, "latent": latent,
        "batch": batch, "epochs": epochs, "lr": lr, "clip": clip, "patience": patience,
        "seed": seed, "precision": precision, "missing": missing, "covariates": covariates,
    }  # fmt: skip
    where = own_device(chosen_device(device))
    world = joined(where)
    stated = {name: value for name, value in given.items() if value is not None}
    if resume:
        data, out = _place(data, out)
        before = _before(RunFolder(out), world)
        stated = followed(stated, None, world)
        data, settings = data or before.pop("data"), {**before, **stated}
    else:
        check_not_resumed(data)
        settings = {**DEFAULTS, **followed(stated, data, world)}
        chosen = registry.build("likelihood", settings["likelihood"])
        settings = {"transform": usual_transform(chosen), **settings}
    if data is None:
        fix = "For example: nelbo train mnist."
        raise BadValue("DATA", expected="a name or a path", got="none", fix=fix)
    out = out or Path("runs") / f"{Path(data).resolve().stem}-{_name(settings['likelihood'])}"
    try:
        with advised(OUTSIDE, CHOOSE, "likelihood" not in stated):
            _train(data, settings, where, out, resume, compile, world)
    except Interrupted:
        if world.is_main:
            typer.echo(f"Go on with: nelbo train --resume {quote(str(out))}", err=True)
        raise
    if not world.is_main:
        return
    place = quote(str(out))
    typer.echo(f"{out}: written. Next: nelbo evaluate {place}, nelbo sample {place}")


def _train(
    data: str,
    settings: Mapping[str, Any],
    device: torch.device,
    out: Path,
    resume: bool,
    compile: bool | None,
    world: World,
) -> None:
    built = {axis: registry.build(axis, settings[axis]) for axis in (*AXES, "objective")}
    given = settings["covariates"]
    given = {"of": given} if isinstance(given, str) else given
    loaded = load_with(data, given, settings["transform"])
    train, valid = loaded.train, None
    if settings.get("patience") is not None:
        train, valid = _held_out(train, settings["seed"])
    with seeded(settings["seed"]):
        parts = {axis: built[axis] for axis in AXES}
        source = loaded.train
        beside = isinstance(source, WithCovariates)
        if not resume:
            _check_words(built["likelihood"], (source.data if beside else source).header)
        model = VAE(
            source.data.shape if beside else source.shape,
            settings["latent"],
            **parts,
            covariates=source.covariates.shape[1] if beside else 0,
            missing=settings["missing"],
        )
        model.initialise(world.on_main(train.mean), train.some(settings["seed"]))
    names = ("epochs", "batch", "lr", "clip", "patience", "seed", "precision")
    fit(
        model.to(device),
        train,
        valid=valid,
        objective=built["objective"],
        compile=compile,
        out=out,
        resume=resume,
        about={
            "name": loaded.place,
            "checksum": loaded.checksum,
            "transform": _recorded(settings["transform"], loaded.train),
            **({"covariates": source.record} if beside else {}),
            **({"header": loaded.header.record()} if loaded.header != Header() else {}),
        },
        **{name: settings[name] for name in names if name in settings},
    )


def _check_words(likelihood: Likelihood, header: Header) -> None:
    """Refuse words where the likelihood has a density: their codes are no measurements."""
    measure = likelihood.base_measure
    if header.words and measure.startswith("density") and " x " not in measure:
        column = min(header.words)
        shown = ", ".join(f"'{word[:40]}'" for word in header.words[column][:SHOWN])
        raise BadValue(
            f"column {named(header.names, column)}",
            expected=f"numbers, for a likelihood that is a {measure}",
            got=f"words, such as {shown}",
            fix=CHOOSE,
        )


def _recorded(transform: str, train: Indexed) -> str:
    """Return a transform's text, with what it took from the training data, if it took any."""
    same = as_transform(transform) == train.transform
    return transform if same else registry.text(registry.spec(train.transform))


def _held_out(train: Indexed, seed: int) -> tuple[Indexed, Indexed]:
    order = torch.randperm(len(train), generator=generator(seed, len(train)))
    count = max(1, int(HELD_OUT * len(train)))
    return train.take(order[count:].sort().values), train.take(order[:count].sort().values)


def _place(data: str | None, out: Path | None) -> tuple[str | None, Path]:
    """Tell the run from the data: `--resume RUN` and `DATA --out RUN --resume` mean the same."""
    if out is not None:
        return data, out
    if data is None:
        fix = "For example: nelbo train --resume runs/first."
        raise BadValue("--resume", expected="the folder of a run", got="none", fix=fix)
    return None, Path(data)


def _before(folder: RunFolder, world: World) -> dict[str, Any]:
    """Return the settings that a run began with."""
    config = world.on_main(folder.config)
    if "fitted_to" in config:
        got, fix = "a prior that was fitted", "Fit it anew: nelbo fit-prior."
        raise BadValue(f"run {folder.path}", expected="one of nelbo train", got=got, fix=fix)
    model, data = config["model"], config["data"]
    return {
        **{axis: model[axis] for axis in AXES},
        "latent": model["latent"],
        "missing": model.get("missing", False),
        "covariates": data.get("covariates"),
        "objective": config["objective"],
        **{name: value for name, value in config["train"].items() if value is not None},
        "data": data.get("name"),
        "transform": data.get("transform"),
    }


def _name(likelihood: str | Mapping[str, Any]) -> str:
    return registry.parse(likelihood)["name"] if isinstance(likelihood, str) else likelihood["name"]
