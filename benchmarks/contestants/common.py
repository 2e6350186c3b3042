"""What every contestant shares: the data, the commands it obeys, and what it says of itself.

NumPy and the standard library only: each contestant runs in an environment of its own.

A contestant reads commands from standard input, one JSON object a line, and answers each with one:

    {"do": "setup", "network": "mlp", "variant": "fp32", ...}   {"seconds": 0.7, "versions": ...}
    {"do": "run", "steps": 600}                                 {"seconds": 2.1, "images": 60000}
    {"do": "weights", "path": "weights.npz"}                    {"path": "weights.npz"}
    {"do": "memory"}                                            {"peak": 512000000}
    {"do": "quit"}

By hand:

    python benchmarks/contestants/jax_loop.py --oneshot mlp 300 [variant]
"""

from __future__ import annotations

import gzip
import json
import os
import sys
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np

FILES = Path(__file__).parents[2] / "src" / "nelbo" / "data" / "files"
THREADS = 2
LR = 1e-3
GAUSSIAN_VARIANCE = 0.1
CHANNELS, LATENT = (3, 32, 64, 128), {"mlp": 20, "conv": 64, "tiny": 1}
JOB = {"network": "mlp", "variant": "", "batch": 100, "width": 500, "images": 60_000, "seed": 0}
BATCH = {"mlp": 100, "conv": 128}
WARM_UP = {"mlp": 30, "conv": 6}  # steps


def images(network, part="train", count=None):
    """Return MNIST's bytes: [n, 784], or [n, 3, 32, 32] padded and repeated for convolutions.

    Of the network "tiny" an example is one white pixel, [n, 1].
    """
    if network == "tiny":
        return np.full((count, 1), 255, np.uint8)
    x = digits(part)
    if count is not None and count != len(x):
        x = np.resize(x, (count, 28, 28))
    if network == "mlp":
        return x.reshape(-1, 784)
    padded = np.pad(x, ((0, 0), (2, 2), (2, 2)))
    return np.ascontiguousarray(np.broadcast_to(padded[:, None], (len(x), 3, 32, 32)))


def digits(part):
    """Return MNIST's images [n, 28, 28], read without a second copy."""
    name = {"train": "train-images", "test": "t10k-images"}[part]
    with gzip.open(FILES / f"{name}-idx3-ubyte.gz") as file:
        x = np.empty((int.from_bytes(file.read(16)[4:8], "big"), 28, 28), np.uint8)
        for start in range(0, len(x), 1000):
            rows = x[start : start + 1000]
            rows[:] = np.frombuffer(file.read(rows.size), np.uint8).reshape(rows.shape)
    return x


def layers(job):
    """Return the sizes of the encoder and of the decoder, where both are dense."""
    features, width = (1, 1) if job["network"] == "tiny" else (784, job["width"])
    latent = LATENT[job["network"]]
    return (features, width, width, 2 * latent), (latent, width, width, features)


def peak_memory():
    """Return the peak of this process alone in bytes: getrusage counts a parent's too."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


class Link:
    """Answers commands, and times the steps between two of them.

    A framework that owns its loop calls `until_run` from a callback: the loop waits there.
    """

    def __init__(self, contestant, lines, say):
        self.contestant, self.lines, self.say = contestant, lines, say
        self.job, self.started, self.bare = None, None, peak_memory()
        contestant.link = self

    def until_run(self):
        """Return the number of steps that the next "run" asks for; all else is answered here."""
        if self.started is not None:
            seconds = time.perf_counter() - self.started
            self.started = None
            self.say({"seconds": seconds, "images": self.steps * self.job["batch"]})
        for line in self.lines:
            command = json.loads(line)
            if command["do"] == "run":
                self.steps, self.started = command["steps"], time.perf_counter()
                return self.steps
            self.say(self._answer(command))
        sys.exit(0)

    def _answer(self, command):
        if command["do"] == "quit":
            sys.exit(0)
        if command["do"] == "setup":
            self.job = {**JOB, **command}
            start = time.perf_counter()
            said = self.contestant.setup(self.job) or {}
            return {"seconds": time.perf_counter() - start, "bare": self.bare, **said}
        if command["do"] == "weights":
            np.savez(command["path"], *self.contestant.weights())
            return {"path": command["path"]}
        if command["do"] == "memory":
            return {"peak": peak_memory()}
        raise ValueError(f"unknown command: {command}")


class Order:
    """Batches of indices, in an order drawn anew every epoch; a last, smaller batch is left out."""

    def __init__(self, images, batch, seed):
        self.images, self.batch = images, batch
        self.random, self.left = np.random.default_rng(seed), np.empty((0, batch), np.int64)

    def take(self, count):
        """Return the next batches, [count, batch]."""
        while len(self.left) < count:
            whole = self.images // self.batch * self.batch
            epoch = self.random.permutation(self.images)[:whole].reshape(-1, self.batch)
            self.left = np.concatenate([self.left, epoch])
        taken, self.left = self.left[:count], self.left[count:]
        return taken


def versions(*packages):
    return {"python": sys.version.split()[0], **{name: version(name) for name in packages}}


def serve(contestant):
    """Obey commands until there are no more."""
    oneshot = "--oneshot" in sys.argv
    link = by_hand(contestant) if oneshot else Link(contestant, sys.stdin, answers())
    while True:
        contestant.run(link.until_run())


def answers():
    """Return what writes an answer: whatever else a framework prints goes to standard error."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def say(answer):
        out.write(json.dumps(answer) + "\n")
        out.flush()

    return say


def by_hand(contestant):
    """Return a link that measures once: --oneshot NETWORK STEPS [VARIANT]."""
    network, steps, *variant = sys.argv[sys.argv.index("--oneshot") + 1 :]
    job = {"network": network, "batch": BATCH[network], "variant": "".join(variant)}
    runs = [{"do": "run", "steps": n} for n in (1, WARM_UP[network], int(steps))]
    titles = iter(("setup", "first step", "warm-up", "measured"))

    def say(answer):
        if "absent" in answer:
            sys.exit(answer["absent"])
        images = answer.get("images")
        speed = f", {images / answer['seconds']:,.0f} images/s" if images else ""
        print(f"{next(titles):10} {answer['seconds']:.2f} s{speed}", flush=True)

    return Link(contestant, map(json.dumps, [{"do": "setup", **job}, *runs]), say)
