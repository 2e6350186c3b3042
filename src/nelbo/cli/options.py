"""Options that several verbs share, and what they mean."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from torch import Tensor

from nelbo import registry
from nelbo.data import Data, load_with
from nelbo.data.covariates import values
from nelbo.data.header import Header
from nelbo.data.transforms import Raw, Scale, Transform, as_transform
from nelbo.errors import BadValue, nearest
from nelbo.likelihoods import BetaBinomial, Likelihood
from nelbo.likelihoods.counts import Counts
from nelbo.report.json import plain
from nelbo.train import RunFolder

RunArgument = Annotated[Path, typer.Argument(metavar="RUN", help="The folder that --out named.")]
DataOption = Annotated[
    str | None,
    typer.Option("--data", help="Other data than the run's own test set: a name or a path."),
]
SeedOption = Annotated[int, typer.Option("--seed", min=0, max=2**63 - 1, help="Of all randomness.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
DeviceOption = Annotated[
    str, typer.Option("--device", help="cpu, cuda, mps, or auto: the fastest there is.")
]


def chosen_device(name: str) -> torch.device:
    """Return the device of a name; `"auto"` is an accelerator where there is one."""
    there = {
        "cpu": True,
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
    }
    if name == "auto":
        return torch.device(next(kind for kind in ("cuda", "mps", "cpu") if there[kind]))
    kind = name.partition(":")[0]
    if kind not in there:
        fix = nearest(name, [*there, "auto"])
        raise BadValue("device", expected="a known device", got=f"'{name}'", fix=fix)
    try:
        device = torch.device(name)
    except RuntimeError:
        fix = f"For example {kind} or {kind}:0."
        raise BadValue("device", expected="a known device", got=f"'{name}'", fix=fix) from None
    if not there[kind]:
        got, fix = f"'{name}', which is not there", "Use --device cpu."
        raise BadValue("device", expected="a device of this machine", got=got, fix=fix)
    return device


def run_data(run: Path, other: str | None) -> Data:
    """Return the data that a run was trained on, or other data under the same transform."""
    recorded = RunFolder(run).config()["data"]
    what = other or recorded.get("name")
    if what is None:
        fix = "Say which with --data."
        raise BadValue(f"run {run}", expected="a record of its data", got="none", fix=fix)
    header = None if other is None else _recorded_header(recorded) or Header()
    found = load_with(what, recorded.get("covariates"), recorded.get("transform"), header)
    if other is None and recorded.get("checksum", found.checksum) != found.checksum:
        raise BadValue(
            f"{what}",
            expected=f"the data that {run} was trained on",
            got="other contents",
            fix=f"To measure it on other data all the same, say so: --data {what}.",
        )
    return found


def run_transform(run: Path) -> Transform:
    """Return the transform that a run's data was given."""
    return as_transform(RunFolder(run).config()["data"].get("transform"))


def usual_transform(likelihood: Likelihood) -> str:
    """Return the transform where none is stated: bytes are scaled, but counts stay counts.

    Example:
        >>> from nelbo.likelihoods import Poisson
        >>> as_transform(usual_transform(Poisson()))
        Raw()
    """
    counts = likelihood.base_measure.startswith(Counts.base_measure.removesuffix("D"))
    mixed = " x " in likelihood.base_measure
    raw = (counts and not mixed) or isinstance(likelihood, BetaBinomial)
    return registry.spec(Raw() if raw else Scale())["name"]


def run_header(run: Path) -> Header:
    """Return names and words of the columns that a run was trained on, covariates left out."""
    recorded = RunFolder(run).config()["data"]
    beside = recorded.get("covariates") or {}
    return (_recorded_header(recorded) or Header()).without(beside.get("columns", ()))


def _recorded_header(recorded: Mapping[str, Any]) -> Header | None:
    return Header.of(recorded["header"]) if "header" in recorded else None


def run_covariates(run: Path, stated: str | None) -> Tensor | None:
    """Return the covariates that a user states, [covariates]; None where they are left out."""
    if stated is None:
        return None
    recorded = RunFolder(run).config()["data"].get("covariates")
    if recorded is None:
        fix = "Leave --covariates out, or train with it."
        raise BadValue("--covariates", expected="a run that has any", got=f"{run}", fix=fix)
    return values(stated, recorded)


def print_json(record: Mapping[str, Any]) -> None:
    """Print a record as JSON on standard output."""
    typer.echo(json.dumps(plain(record), indent=2, ensure_ascii=False, allow_nan=False))


def new_file(path: Path, option: str = "out") -> Path:
    """Refuse, before any work, a file that could not be written."""
    if not path.parent.is_dir():
        got, fix = f"{path.parent}, which is not there", "Make it first."
        raise BadValue(option, expected="a file in an existing folder", got=got, fix=fix)
    return path


def with_hidden(network: str | None, hidden: str | None) -> str | None:
    """Return a network's text with the sizes that --hidden gives."""
    if hidden is None:
        return network
    sizes = [size.strip() for size in hidden.strip("()").split(",") if size.strip()]
    if not all(size.isdigit() for size in sizes):
        fix = "For example --hidden 500,500."
        raise BadValue("hidden", expected="sizes with commas between", got=f"'{hidden}'", fix=fix)
    record = registry.parse(network or "mlp")
    record["arguments"]["hidden"] = tuple(map(int, sizes))
    return registry.text(record)
