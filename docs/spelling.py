"""How a model of the catalogue is said: on the command line, and in Python."""

from __future__ import annotations

from collections.abc import Mapping
from shlex import quote
from typing import Any

from catalogue import Model

from nelbo import registry


def command(model: Model) -> str:
    """Return the line that trains a model of the table."""
    said = [f"--{axis} {quote(text)}" for axis, text in model.spelled.items()]
    said += [f"--latent {model.latent}"] if model.latent != 20 else []
    return " ".join(["nelbo train mnist", *said])


def python(model: Model) -> str:
    """Return the Python that says the same."""
    axes = [(axis, text) for axis, text in model.spelled.items() if axis != "objective"]
    parts = "".join(f", {axis}={call(axis, text)}" for axis, text in axes)
    objective = model.spelled.get("objective")
    said = f", objective={call('objective', objective)}" if objective else ""
    return f"fit(VAE((1, 28, 28), {model.latent}{parts}), data{said})"


def call(axis: str, text: str) -> str:
    """Return the Python that builds a component."""
    return _call(registry.spec(registry.build(axis, text)))


def _call(record: Mapping[str, Any]) -> str:
    every = ("likelihood", "posterior", "prior", "objective", "network", "schedule")
    axis = next(axis for axis in every if record["name"] in registry.names(axis))
    kind = registry.component(axis, record["name"])
    known = registry.parameters(kind)
    stated = {k: v for k, v in record["arguments"].items() if recorded(known[k].default) != v}
    return f"{kind.__name__}({', '.join(f'{k}={_literal(v)}' for k, v in stated.items())})"


def recorded(value: Any) -> Any:
    """Return an argument as a component's record has it."""
    if isinstance(value, tuple):
        return [recorded(v) for v in value]
    known = hasattr(type(value), "__dataclass_fields__")
    return registry.spec(value) if known else value


def _literal(value: Any) -> str:
    return _call(value) if isinstance(value, Mapping) else repr(value)
