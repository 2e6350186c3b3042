"""How training scales over processes: python benchmarks/scale.py [--rounds 30] [--simulate].

1. Two processes with a thread each are measured here (gloo, loopback): a step alone, a step while
   the other process computes too, a step together, and the all-reduce by itself. The cost model
   says from the other three what a step together takes; what it says is compared with the clock.
2. The same model goes bucket by bucket through steps on 1 to 512 GPUs, for three sizes of models.

Writes results/scale.json and docs/scale.png; `--simulate` leaves what was measured as it is.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

from scaling.cluster import MODELS, Machine
from scaling.measured import measured, worker
from scaling.shown import compared, draw, table
from scaling.simulated import simulated

RESULT = Path(__file__).parent / "results" / "scale.json"
CLOCKS = RESULT.with_suffix(".clocks")  # of the two processes, while they run
PICTURE = Path(__file__).parents[1] / "docs" / "scale.png"
PAGE = PICTURE.with_suffix(".md")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--simulate", action="store_true")
    parser.add_argument("--worker")
    asked = parser.parse_args()
    if asked.worker:
        worker(asked.worker, asked.rounds)
        return
    before = json.loads(RESULT.read_text()) if RESULT.exists() else {}
    machine = Machine()
    found = {
        **({"measured": before["measured"]} if "measured" in before else {}),
        **(
            {}
            if asked.simulate
            else {"measured": measured(asked.rounds, __file__, RESULT.with_suffix(".clocks"))}
        ),
        "machine": replace(machine).__dict__,
        "models": {m.name: m.parameters for m in MODELS},
        "simulated": simulated(machine),
    }
    RESULT.write_text(json.dumps(found, indent=1) + "\n")
    draw(found, PICTURE)
    for way in ("weak", "strong"):
        print(f"\n{way} scaling\n\n{table(found['simulated'], way)}")
    if "measured" in found:
        text = compared(found["measured"])
        print(f"\n{text}")
        start, end = "benchmarks/scale.py -->\n", "<!-- end -->"
        before, _, rest = PAGE.read_text().partition(start)
        _, _, after = rest.partition(end)
        PAGE.write_text(f"{before}{start}\n{text}\n{end}{after}")


if __name__ == "__main__":
    main()
