"""`--likelihood auto`: what `nelbo suggest` would say, followed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import typer

from nelbo.data import WithCovariates, load_with
from nelbo.doctor import suggest
from nelbo.world import World

AUTO = "auto"


def followed(stated: Mapping[str, Any], data: str | None, world: World) -> dict[str, Any]:
    """Return the settings with what the data suggests in place of `auto`; what is stated stays.

    Args:
        stated: the settings on the command line.
        data: a name or a path; None keeps what a run began with.
        world: its first process says in one line what was chosen, and why.
    """
    if stated.get("likelihood") != AUTO:
        return dict(stated)
    given = {name: value for name, value in stated.items() if name != "likelihood"}
    if data is None:
        return given
    covariates = None if "covariates" not in given else {"of": given["covariates"]}
    train = load_with(data, covariates, given.get("transform")).train
    found = suggest(train.data if isinstance(train, WithCovariates) else train)
    chosen = {"transform": found.transform, "latent": found.latent, "missing": found.missing}
    chosen |= given
    if world.is_main:
        what = (
            f"likelihood {found.text}, transform {chosen['transform']}, latent {chosen['latent']}"
            + ", missing entries" * chosen["missing"]
        )
        typer.echo(f"{what}: {found.reason('likelihood').because}", err=True)
    return {**chosen, "likelihood": found.text}
