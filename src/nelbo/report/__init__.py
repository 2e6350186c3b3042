"""The page, the picture, the terminal and the JSON: they read results and compute only layout."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nelbo.report import forecast, html, json, picture, suggestion, text

__all__ = ["forecast", "html", "json", "picture", "suggestion", "text"]


def __getattr__(name: str) -> ModuleType:
    """Import a surface when it is asked for: commands that draw nothing never load matplotlib."""
    if name in __all__:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
