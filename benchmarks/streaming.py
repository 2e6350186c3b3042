"""Training from files: python benchmarks/streaming.py [npy] [parquet] [folder].

npy      a .npy of 3 GB, 4,000,000 x 784 bytes: MNIST over and over, with noise
parquet  the same rows, in row groups of 20,000
folder   20,000 of them as .png, read one by one

Each run is a fresh process: load, start the decoder at the data's mean (a pass over all of it),
train 784-500-500-20 with batches of 100 for some steps, stop in the middle of the epoch, go on from
the checkpoint. Images per second are the medians of rounds that take turns with as many from 60,000
such rows in memory. Memory is the peak above that of `import nelbo`, the model and a step on
200 examples. What was stopped and resumed must end with the weights of what was not. Writes
results/streaming.json.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch

import nelbo
from nelbo.data import Examples, OnDisk, Source, load
from nelbo.data.image_rows import ImageRows
from nelbo.machine import hardware
from nelbo.rng import generator
from nelbo.train import Callback, Interrupted, versions

RESULT = Path(__file__).parent / "results" / "streaming.json"
ROWS, FEATURES, GROUP, IMAGES, IN_MEMORY = 4_000_000, 784, 20_000, 20_000, 60_000
NOISE, SEED, BATCH, STEPS, MORE, ROUNDS, ROUND = 8, 0, 100, 500, 100, 5, 30
LIMIT = 1e9  # bytes above the framework


def rows(count: int) -> Iterator[np.ndarray]:
    """Yield noisy copies of MNIST, 20,000 rows at a time, each time the same."""
    digits = load("mnist").train.array.numpy().reshape(-1, FEATURES)
    random = np.random.default_rng(SEED)
    for start in range(0, count, GROUP):
        plain = digits[np.arange(start, start + GROUP) % len(digits)]
        noise = random.integers(-NOISE, NOISE + 1, plain.shape, dtype=np.int16)
        yield np.clip(plain + noise, 0, 255).astype(np.uint8)


def write_npy(path: Path) -> None:
    head = {"descr": "|u1", "fortran_order": False, "shape": (ROWS, FEATURES)}
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, head)
        for block in rows(ROWS):
            file.write(block.data)


def write_parquet(path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema({"x": pa.list_(pa.uint8(), FEATURES)})
    with pq.ParquetWriter(path, schema) as file:
        for block in rows(ROWS):
            column = pa.FixedSizeListArray.from_arrays(pa.array(block.ravel()), FEATURES)
            file.write_table(pa.table({"x": column}), row_group_size=GROUP)


def write_folder(path: Path) -> None:
    from PIL import Image

    path.mkdir()
    for i, row in enumerate(next(rows(IMAGES))):
        Image.fromarray(row.reshape(28, 28)).save(path / f"{i:05}.png")


FORMS = {
    "npy": ("data.npy", write_npy),
    "parquet": ("data.parquet", write_parquet),
    "folder": ("images", write_folder),
}


def source(kind: str, path: Path) -> OnDisk:
    if kind == "folder":  # below 1 GB, `load` would keep them in memory
        return OnDisk(ImageRows(sorted(path.iterdir())))
    found = load(path).train
    assert isinstance(found, OnDisk)
    return found


class Stop(Callback):
    """Stops the run after some steps, as a scheduler does."""

    def __init__(self, steps: int) -> None:
        self.steps, self.done = steps, 0

    def on_step(self, epoch: int, examples: int, means: Any) -> None:
        self.done += 1
        if self.done == self.steps:
            signal.raise_signal(signal.SIGTERM)


def trained(model: nelbo.VAE, data: Source, steps: int, **more: Any) -> None:
    stop = [Stop(steps)]
    with suppress(Interrupted):
        nelbo.fit(model, data, batch=BATCH, epochs=100, seed=SEED, callbacks=stop, **more)


def side_by_side(data: OnDisk) -> dict[str, Any]:
    """Return images per second from the files and from memory, in rounds that take turns."""
    few = data.take(range(min(len(data), IN_MEMORY)))
    sources = {"files": data, "memory": Examples(few.rows.read(torch.arange(len(few))))}
    epochs = {name: source.epoch(BATCH, generator(SEED)) for name, source in sources.items()}
    model, objective = fresh(data.shape), nelbo.objectives.ELBO()
    optimizer = torch.optim.Adam(model.parameters(), fused=True)

    def speed(batches: Iterator[torch.Tensor]) -> float:
        began = time.perf_counter()
        for x in islice(batches, ROUND):
            loss = -objective(model.terms(x)).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return ROUND * BATCH / (time.perf_counter() - began)

    found = [{name: speed(e) for name, e in epochs.items()} for _ in range(ROUNDS + 1)][1:]
    return {
        "images_per_second": statistics.median(r["files"] for r in found),
        "in_memory_images_per_second": statistics.median(r["memory"] for r in found),
        "of_in_memory": statistics.median(r["files"] / r["memory"] for r in found),
    }


def fresh(shape: tuple[int, ...]) -> nelbo.VAE:
    torch.manual_seed(SEED)
    likelihood = nelbo.likelihoods.ContinuousBernoulli()
    network = nelbo.networks.MLP(hidden=(500, 500))
    return nelbo.VAE(data_shape=shape, latent=20, network=network, likelihood=likelihood)


def alone(kind: str, path: str, folder: str) -> dict[str, Any]:
    """Train in this process, and return what it cost."""
    tiny = fresh((FEATURES,))
    nelbo.fit(tiny, torch.rand(200, FEATURES), batch=200, epochs=1, callbacks=[])
    bare, began = peak(), time.perf_counter()
    data = source(kind, Path(path))
    loaded = time.perf_counter()
    model, mean = fresh(data.shape), data.mean()
    model.initialise(mean)
    meant = time.perf_counter()
    trained(model, data, STEPS, out=folder)
    above, stopped = peak() - bare, time.perf_counter()
    trained(model, data, MORE, out=folder, resume=True)
    resumed = time.perf_counter()
    straight = fresh(data.shape)
    straight.initialise(mean)
    trained(straight, data, STEPS + MORE)
    return {
        "examples": len(data),
        "decoded_bytes": len(data) * FEATURES,
        "peak_bytes_above_framework": above,
        "framework_bytes": bare,
        "loading_seconds": loaded - began,
        "mean_seconds": meant - loaded,
        **side_by_side(data),
        "resuming_and_more_steps_seconds": resumed - stopped,
        "resumed_ends_with_the_same_weights": digest(model) == digest(straight),
        "threads": torch.get_num_threads(),
    }


def digest(model: nelbo.VAE) -> str:
    sha256 = hashlib.sha256()
    for tensor in model.state_dict().values():
        sha256.update(tensor.numpy().tobytes())
    return sha256.hexdigest()


def peak() -> int:
    """Return the peak of this process alone: getrusage counts a parent's too."""
    status = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in status if line.startswith("VmHWM")).split()[1]) * 1024


def in_a_process(kind: str, path: Path) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as run:
        command = [sys.executable, __file__, "--alone", kind, str(path), f"{run}/run"]
        found = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(found.stdout.splitlines()[-1])


def main() -> None:
    if sys.argv[1:2] == ["--alone"]:
        print(json.dumps(alone(*sys.argv[2:])))
        return
    kept = json.loads(RESULT.read_text()) if RESULT.exists() else {}
    settings = {"batch": BATCH, "steps": STEPS, "more_steps": MORE, "seed": SEED, "limit": LIMIT}
    for kind in sys.argv[1:] or list(FORMS):
        name, write = FORMS[kind]
        with tempfile.TemporaryDirectory() as folder:
            if shutil.disk_usage(folder).free < 2 * ROWS * FEATURES:
                raise SystemExit(f"{folder}: not enough room for twice {ROWS * FEATURES:,} bytes.")
            write(Path(folder) / name)
            found = in_a_process(kind, Path(folder) / name)
        found["within_limit"] = found["peak_bytes_above_framework"] < LIMIT
        kept[kind] = found
        print(kind, json.dumps(found, indent=2), flush=True)
        record = {**kept, "settings": settings, "versions": versions(), "hardware": hardware()}
        RESULT.write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
