"""Dead and saturated units."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nelbo.doctor.diagnose.case import Case
from nelbo.doctor.diagnose.liveness import Layer
from nelbo.doctor.finding import Finding

# A healthy ReLU network has dead units too, up to about half of a wide layer on simple data; it
# works with the others. With fewer than one in ten alive a layer is a bottleneck nobody chose.
MOST = 0.9


def units(case: Case) -> Iterator[Finding]:
    """Find layers of which nine in ten units say the same for every input."""
    for half, activity in (("encoder", case.encoding), ("decoder", case.decoding)):
        yield from _dead(half, activity.layers)
        yield from _saturated(half, activity.layers)


def _dead(half: str, layers: Sequence[Layer]) -> Iterator[Finding]:
    worst = max(layers, key=lambda layer: layer.dead / layer.units, default=None)
    if worst is None or worst.dead < MOST * worst.units:
        return
    silent = worst.dead == worst.units
    what = "Nothing passes it" if silent else f"Only {worst.units - worst.dead} of them work"
    yield Finding(
        "dead_units",
        "error",
        f"{worst.dead} of the {worst.units} ReLUs of the {half}'s layer {worst.path} are 0 on all "
        f"of the data, and with them their gradients. {what}.",
        {"layer": worst.path, "dead units": worst.dead, "units": worst.units},
        "Start again with a tenth of the learning rate and biases of 0, or use nn.LeakyReLU or "
        "nn.SiLU.",
    )


def _saturated(half: str, layers: Sequence[Layer]) -> Iterator[Finding]:
    worst = max(layers, key=lambda layer: layer.saturated / layer.units, default=None)
    if worst is None or worst.saturated < MOST * worst.units:
        return
    yield Finding(
        "saturated_units",
        "error",
        f"{worst.saturated} of the {worst.units} {worst.kind} units of the {half}'s layer "
        f"{worst.path} stay at an end of their range: what they say hardly changes, and their "
        "gradients are about 0.",
        {"layer": worst.path, "saturated units": worst.saturated, "units": worst.units},
        "Standardise the inputs and start again with a tenth of the learning rate.",
    )
