"""Everything that has to hold before a change lands, in one command: python tests/check.py."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
# every test computes in one thread
SIDE_BY_SIDE = ["-n", "logical", "--maxprocesses", "8", "--dist", "worksteal"]

CHECKS = (
    ("format", [BIN / "ruff", "format", "--check", "."]),
    ("lint", [BIN / "ruff", "check", "."]),
    ("layers", [BIN / "lint-imports"]),
    ("types", [BIN / "pyright", "--pythonpath", sys.executable]),
    ("tests", [sys.executable, "-m", "pytest", *SIDE_BY_SIDE, *sys.argv[1:]]),
)


def main() -> int:
    """Run every check, the tests last, and fail if one does."""
    failed = []
    for name, command in CHECKS:
        print(f"== {name}", flush=True)
        if subprocess.run(list(map(str, command)), cwd=ROOT).returncode != 0:
            failed.append(name)
    if failed:
        print(f"failed: {', '.join(failed)}")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
