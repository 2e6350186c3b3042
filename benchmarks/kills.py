"""Runs killed by SIGKILL at random moments and resumed: python benchmarks/kills.py.

`nelbo train mnist` as a process of its own, with a checkpoint every quarter of a second, so that
many are under way. Of four kills one comes while the process starts, two at a moment drawn
beforehand of the training that it has begun, and one there as soon as a file of a checkpoint that
is being written is seen. In the end weights, the whole of the newest
checkpoint and the metrics are compared, bit for bit, with those of a run that nobody killed.
Writes results/kills.json.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

import nelbo
from nelbo.machine import hardware
from nelbo.train import RunFolder, versions
from nelbo.train.checkpoint import load_checkpoint

RESULTS = Path(__file__).parent / "results"
SEED, EVERY = 0, 0.25
COMMAND = f"""
from nelbo.cli import main
from nelbo.train import periodic
periodic.EVERY = {EVERY}
main()
"""
SMALL = ("--hidden", "64", "--latent", "5", "--device", "cpu", "--lr", "0.002")
SERIES: dict[str, tuple[int, tuple[str, ...]]] = {
    "uncompiled": (20, ("--epochs", "20", "--no-compile")),
    "early stopping": (20, ("--epochs", "20", "--no-compile", "--patience", "4")),
    "noise in the data, compiled": (
        10,
        ("--epochs", "20", "--compile", "--transform", "dynamic_binarise"),
    ),
}
TIMES = ("seconds", "images_per_second")


@dataclass(frozen=True)
class Kill:
    """What a kill found: seconds after the process began, and what had been saved by then."""

    seconds: float
    half_written: bool
    checkpoints: int
    step: int | None


def start(*words: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, "train", *words],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def undisturbed(out: Path, words: tuple[str, ...]) -> tuple[float, float]:
    """Train, and return the seconds until the first checkpoint and until the end."""
    began = time.perf_counter()
    process = start("mnist", *SMALL, *words, "--out", str(out))
    while not RunFolder(out).checkpoints() and process.poll() is None:
        time.sleep(0.01)
    first = time.perf_counter() - began
    assert process.wait() == 0
    return first, time.perf_counter() - began


def again(out: Path, words: tuple[str, ...]) -> subprocess.Popen[bytes]:
    """Resume, with no more words than the folder; begin where there is none to resume."""
    if (out / "config.json").exists():
        compiled = [word for word in words if word.endswith("compile")]
        return start("--resume", str(out), "--device", "cpu", *compiled)
    return start("mnist", *SMALL, *words, "--out", str(out))


def half_written(out: Path) -> set[str]:
    place = out / "checkpoints"
    return {n for n in os.listdir(place) if n.endswith(".new")} if place.is_dir() else set()


def killed(
    out: Path, words: tuple[str, ...], delay: float, trained: bool, within: bool
) -> Kill | None:
    """Go on and kill; None where it ended before.

    Args:
        out: the run's folder.
        words: what it is trained with.
        delay: seconds before the kill.
        trained: count them from the first checkpoint that this process writes.
        within: wait, after that, for a checkpoint to be under way.
    """
    before, began = half_written(out), time.perf_counter()
    newest = RunFolder(out).checkpoints()[-1:]
    process = again(out, words)
    while trained and process.poll() is None and RunFolder(out).checkpoints()[-1:] == newest:
        time.sleep(0.002)
    time.sleep(delay)
    while within and process.poll() is None and half_written(out) <= before:
        time.sleep(0.0001)
    seconds = time.perf_counter() - began
    process.kill()
    if process.wait() == 0:
        return None
    assert process.returncode == -9, process.returncode
    found = RunFolder(out).checkpoints()
    left = half_written(out) - before
    step = load_checkpoint(found[-1])[1]["step"] if found else None
    return Kill(round(seconds, 3), bool(left), len(found), step)


def identical(out: Path, whole: Path) -> dict[str, bool]:
    """Return what of two runs is the same, bit for bit."""
    (tensors, record), (tensors_, record_) = (RunFolder(path).newest() for path in (out, whole))
    weights, weights_ = (nelbo.load(path).state_dict() for path in (out, whole))
    counters = [name for name in record if name not in ("history", "seconds")]
    return {
        "weights": _equal(weights, weights_),
        "checkpoint": _equal(tensors, tensors_)
        and all(record[name] == record_[name] for name in counters),
        "metrics": _lines(out) == _lines(whole),
    }


def _equal(a: dict[str, Any], b: dict[str, Any]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def _lines(out: Path) -> list[dict[str, float]]:
    lines = (out / "metrics.jsonl").read_text().splitlines()
    return [{k: v for k, v in json.loads(line).items() if k not in TIMES} for line in lines]


def series(folder: Path, kills: int, words: tuple[str, ...]) -> dict[str, Any]:
    whole, out, moments = folder / "whole", folder / "killed", random.Random(SEED)
    first, end = undisturbed(whole, words)
    longest = (end - first) / (2 * kills)  # so that it does not end before the last kill
    found = []
    for i in range(kills):
        starting, within = i % 4 == 0, i % 4 == 2
        delay = moments.uniform(0.0, first if starting else longest)
        found.append(killed(out, words, delay, not starting, within))
        print(found[-1], flush=True)
    done = [kill for kill in found if kill is not None]
    assert again(out, words).wait() == 0
    return {
        "words": [*SMALL, *words],
        "seconds_undisturbed": round(end, 1),
        "kills": len(done),
        "before_the_first_checkpoint": sum(kill.step is None for kill in done),
        "during_a_checkpoint": sum(kill.half_written for kill in done),
        "identical": identical(out, whole),
        "steps": load_checkpoint(RunFolder(out).checkpoints()[-1])[1]["step"],
        "moments": [asdict(kill) for kill in done],
    }


def main() -> None:
    found = {}
    for name, (kills, words) in SERIES.items():
        with tempfile.TemporaryDirectory() as folder:
            found[name] = series(Path(folder), kills, words)
        print(name, {k: v for k, v in found[name].items() if k != "moments"}, flush=True)
        result = {
            "series": found,
            "seed": SEED,
            "seconds_between_checkpoints": EVERY,
            "versions": versions(),
            "hardware": hardware(),
        }
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "kills.json").write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
