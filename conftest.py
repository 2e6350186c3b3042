"""Switch on shape checking for all of nelbo, in tests and doctests, before it is imported."""

import sys

import jaxtyping
import pytest
import torch

assert "nelbo" not in sys.modules, "the import hook must be in place before nelbo is imported"
# The numeric tower of PEP 484: an int is welcome where a float is asked for, as pyright has it.
jaxtyping.install_import_hook(
    "nelbo", "beartype.beartype(conf=beartype.BeartypeConf(is_pep484_tower=True))"
)

torch.set_num_threads(1)


def pytest_configure(config: pytest.Config) -> None:
    """Let pass what beartype has to say about rich's own annotations."""
    warning = "beartype.roar.BeartypeDecorHintPep585DeprecationWarning"
    config.addinivalue_line("filterwarnings", f"ignore::{warning}")
