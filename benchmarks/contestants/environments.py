"""Where each contestant runs: interpreters, made where they are not there."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

from peers_diagnosed import environment as peers

ROOT = Path(__file__).parents[2]
JAX = ROOT / ".jax-venv"
PINS = ("jax==0.10.2", "jaxlib==0.10.2", "optax==0.2.8", "numpy==2.4.6")


def here():
    return Path(sys.executable)


def chainer():
    """Return the interpreter with Chainer 5.0.0, as the tests make it."""
    place = ROOT / "tests" / "chainer" / "environment.py"
    spec = importlib.util.spec_from_file_location("chainer_environment", place)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.python()


def jax():
    """Return the interpreter with JAX."""
    python = JAX / "bin" / "python"
    if not (JAX / "made").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", JAX], check=True)
        (JAX / ".gitignore").write_text("*\n")
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PINS], check=True)
        (JAX / "made").touch()
    return python


ENVIRONMENTS = {"here": here, "peers": peers, "chainer": chainer, "jax": jax}
