"""The question's own environment, made beside .venv: Chainer 5.0.0, NumPy 1.23.5, and nelbo."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".chainer-venv"
CONSTRAINTS = Path(__file__).with_name("constraints.txt")

# Chainer's setup.py needs the setuptools of its day, and torch a newer one: three steps, in order.
STEPS = (
    ("numpy", "setuptools==59.8.0", "wheel"),
    ("--no-build-isolation", "chainer"),
    ("torch", "--editable", str(ROOT)),
)
# Chainer imports distutils, which the newer setuptools replaces by its own.
VARIABLES = {"SETUPTOOLS_USE_DISTUTILS": "stdlib"}

# In every package index, small, and needed by nothing before it.
PROBE = ("--dry-run", "--ignore-installed", "--no-cache-dir", "--no-deps", "six")


class NoPackageIndex(Exception):
    """pip reached no package index."""


def python(folder: Path = FOLDER) -> Path:
    """Return the environment's interpreter; the environment is made if it is not there whole.

    Raises:
        NoPackageIndex: it is not there, and there is nowhere to get it from.
        RuntimeError: pip failed otherwise.
    """
    found = folder / "bin" / "python"
    stamp, wanted = folder / "made-from.txt", _pins()
    if not stamp.exists() or stamp.read_text() != wanted:
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        for step in STEPS:
            install(found, *step)
        stamp.write_text(wanted)
    return found


def install(interpreter: Path, *arguments: str) -> None:
    """Run `pip install`, pinned.

    Raises:
        NoPackageIndex: it failed, and so does everything else that is not on this machine.
        RuntimeError: it failed otherwise, with what it said.
    """
    done = _pip(interpreter, "--no-compile", "--constraint", str(CONSTRAINTS), *arguments)
    if done.returncode == 0:
        return
    said = f"pip install {' '.join(arguments)}\n{done.stdout}{done.stderr}"
    raise RuntimeError(said) if index_reached(interpreter) else NoPackageIndex(said)


def index_reached(interpreter: Path) -> bool:
    """Return whether pip finds what every package index has."""
    return _pip(interpreter, *PROBE).returncode == 0


def _pip(interpreter: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [interpreter, "-m", "pip", "install", "--retries", "2", "--timeout", "60", *arguments]
    return subprocess.run(command, capture_output=True, text=True)


def _pins() -> str:
    """Return all that the environment is made from; nelbo's own code is read where it lies."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    parts = (sys.version, STEPS, CONSTRAINTS.read_text(), project["dependencies"])
    return "\n".join(map(str, parts))
