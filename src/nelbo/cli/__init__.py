"""The `nelbo` command: one file a verb; each parses, calls and prints."""

from nelbo.cli.app import main

__all__ = ["main"]
