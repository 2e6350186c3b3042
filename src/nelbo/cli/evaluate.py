"""`nelbo evaluate`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from rich.console import Console
from rich.markup import escape

from nelbo import evaluate as measuring
from nelbo.cli.options import (
    DataOption,
    DeviceOption,
    JsonOption,
    RunArgument,
    SeedOption,
    chosen_device,
    print_json,
    run_data,
)
from nelbo.cli.raw_units import in_raw_units
from nelbo.report import estimates
from nelbo.train import RunFolder, load, load_objective
from nelbo.world import joined, own_device

UNBROKEN = 160  # columns in which the table's rows stay whole, for files and pipes


def evaluate(
    run: RunArgument,
    data: DataOption = None,
    samples: Annotated[
        int, typer.Option(min=0, help="Of the importance-weighted bound; 0: skip it.")
    ] = 100,
    examples: Annotated[
        int | None, typer.Option(min=1, help="So many, evenly spaced; by default all.")
    ] = None,
    seed: SeedOption = 0,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Measure a trained model on its test set, each number with unit and standard error.

    **nelbo evaluate runs/first**

    **nelbo evaluate runs/first --samples 5000 --examples 1000 --json**
    """
    where = own_device(chosen_device(device))
    model, world = _measured(run).to(where), joined(where)
    test = run_data(run, data).test
    chosen = test if examples is None else test.spread(examples)
    with torch.no_grad():
        terms = model.terms(chosen[:1].to(where))
    estimators = [measuring.ELBO(), measuring.ActiveUnits()]
    if terms.has_closed_kl:
        estimators.append(measuring.KLPerLatent())
    estimators.append(measuring.OutputDependence())
    if samples and terms.has_density and not terms.is_deterministic:
        estimators.append(measuring.ImportanceBound(samples=samples))
    found = in_raw_units(measuring(model, chosen, estimators, seed, world), chosen)
    if not world.is_main:
        return
    if as_json:
        print_json({name: asdict(estimate) for name, estimate in found.items()})
        return
    console = Console()
    if not console.is_terminal:
        console.width = UNBROKEN
    title = f"{escape(str(run))}, {len(chosen):,} test examples"
    console.print(estimates.table(found, title=title))


def _measured(run: Path) -> Any:
    """Return what validation measured: the model, of M2 with its classifier beside it."""
    model = load(run)
    fitted = "fitted_to" in RunFolder(run).config()  # which has no objective of the registry
    return model if fitted else load_objective(run).measured(model).eval()
