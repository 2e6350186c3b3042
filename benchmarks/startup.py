"""What `import nelbo` costs beyond `import torch`: python benchmarks/startup.py.

Fresh processes, interleaved, medians of seven. Writes results/startup.json.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from pathlib import Path

from nelbo.machine import hardware
from nelbo.train import versions

RESULTS = Path(__file__).parent / "results"
CODE = "import time; t = time.perf_counter(); import {}; print(time.perf_counter() - t)"
REPETITIONS = 7


def seconds(module: str) -> float:
    command = [sys.executable, "-c", CODE.format(module)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def main() -> None:
    times: dict[str, list[float]] = {"torch": [], "nelbo": []}
    for _ in range(REPETITIONS):
        for module, found in times.items():
            found.append(seconds(module))
    medians = {module: statistics.median(found) for module, found in times.items()}
    result = {
        "seconds": medians,
        "beyond_torch": medians["nelbo"] - medians["torch"],
        "repetitions": REPETITIONS,
        "versions": versions(),
        "hardware": hardware(),
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "startup.json").write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
