"""Training speed on a CUDA card: python benchmarks/gpu.py [--quick]. Without one it says so.

The networks of throughput.py, in turns, in this process: plain PyTorch, eager and compiled (with
CUDA graphs), nelbo in fp32 and bf16, and JAX where it is importable and sees the card. The data
lies on the card. Also, of each PyTorch contestant: host synchronisations a step, as
`torch.cuda.set_sync_debug_mode` reports them; kernels and graphs that the host launches a step:
where the whole step is captured, one graph and next to no kernel. Writes results/gpu-CARD.json.
"""

from __future__ import annotations

import datetime
import inspect
import json
import os
import queue
import re
import statistics
import sys
import threading
import time
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "contestants"))

import torch
from common import BATCH, GAUSSIAN_VARIANCE, JOB, LATENT, LR, images
from torch_networks import conv_decoder, conv_encoder, halves, negative_elbo

import nelbo
from nelbo.machine import hardware
from nelbo.train import Callback, versions

RESULTS = Path(__file__).parent / "results"
ROUNDS, STEPS, WARM_UP, LOOKED_AT = 9, 600, 60, 20
LAUNCHES = re.compile(r"cu(da)?(Launch|GraphLaunch)")


class Plain:
    """A PyTorch loop with the data on the card."""

    def __init__(self, network, compiled=False, bf16=False):
        torch.manual_seed(0)
        self.batch, self.bf16 = BATCH[network], bf16
        self.data = torch.from_numpy(images(network)).cuda()
        self.halves = [half.cuda() for half in halves({**JOB, "network": network})]
        parameters = [p for half in self.halves for p in half.parameters()]
        self.optimizer = torch.optim.Adam(parameters, lr=LR, fused=True)
        self.loss = torch.compile(self._loss, mode="reduce-overhead") if compiled else self._loss

    def _loss(self, x):
        x = x.float() / 255.0
        with torch.autocast("cuda", torch.bfloat16, enabled=self.bf16):
            return negative_elbo(*self.halves, x)

    def run(self, steps):
        for _ in range(steps):
            index = torch.randint(len(self.data), (self.batch,), device="cuda")
            self.optimizer.zero_grad()
            self.loss(self.data.index_select(0, index)).backward()
            self.optimizer.step()


class Chunks(Callback):
    def __init__(self, asked, done):
        self.asked, self.done, self.left = asked, done, asked.get()

    def on_step(self, epoch, examples, means):
        self.left -= 1
        if self.left == 0:
            self.done.put(None)
            self.left = self.asked.get()
            if self.left is None:
                raise SystemExit


class Nelbo:
    """`nelbo.fit` in a thread of its own, which waits in a callback between two chunks."""

    def __init__(self, network, precision="fp32", compiled=None):
        torch.manual_seed(0)
        options = {} if compiled is None else {"compile": compiled}
        if options.keys() - inspect.signature(nelbo.fit).parameters.keys():
            raise NotImplementedError("nelbo.fit takes no argument compile")
        self.asked, self.done, self.batch = queue.Queue(), queue.Queue(), BATCH[network]
        model = self._model(network).cuda()
        data = nelbo.data.Examples(torch.from_numpy(images(network)).cuda())
        options |= {"epochs": 10**5, "batch": self.batch, "lr": LR, "precision": precision}
        self.thread = threading.Thread(target=self._fit, args=(model, data, options), daemon=True)
        self.thread.start()

    def _model(self, network):
        if network == "mlp":
            return nelbo.VAE(data_shape=784, latent=LATENT["mlp"])
        return nelbo.VAE(
            (3, 32, 32),
            LATENT["conv"],
            network=nelbo.networks.Modules(conv_encoder(), conv_decoder()),
            likelihood=nelbo.likelihoods.Gaussian(variance=GAUSSIAN_VARIANCE),
        )

    def _fit(self, model, data, options):
        try:
            nelbo.fit(model, data, callbacks=[Chunks(self.asked, self.done)], **options)
        except BaseException as error:  # to be raised where somebody waits
            self.done.put(error)

    def run(self, steps):
        self.asked.put(steps)
        error = self.done.get()
        if error is not None:
            raise error

    def stop(self):
        self.asked.put(None)
        self.thread.join()


class Jax:
    """The contestant of throughput.py."""

    def __init__(self, network, variant):
        os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
        import jax
        from jax_loop import Jax as Contestant

        if jax.default_backend() != "gpu":
            raise NotImplementedError("JAX sees no card")
        self.batch, self.contestant = BATCH[network], Contestant()
        job = {**JOB, "network": network, "batch": self.batch, "variant": variant}
        self.contestant.setup(job)
        self.run = self.contestant.run


CONTESTANTS = {
    "torch": lambda network: Plain(network),
    "torch-compiled": lambda network: Plain(network, compiled=True),
    "torch-compiled-bf16": lambda network: Plain(network, compiled=True, bf16=True),
    "nelbo-eager": lambda network: Nelbo(network),
    "nelbo": lambda network: Nelbo(network, compiled=True),
    "nelbo-bf16": lambda network: Nelbo(network, "bf16", compiled=True),
    "jax": lambda network: Jax(network, "fp32"),
    "jax-bf16": lambda network: Jax(network, "bf16"),
}


def started(network):
    """Return the contestants that can take part, warm, and why the others cannot."""
    found, absent = {}, {}
    for name, make in CONTESTANTS.items():
        try:
            one = make(network)
            one.run(WARM_UP)
            found[name] = one
        except Exception as error:  # whatever keeps one contestant out must not end the race
            absent[name] = f"{type(error).__name__}: {error}"[:300]
            print(f"{network} {name}: absent: {absent[name]}", flush=True)
    torch.cuda.synchronize()
    return found, absent


def speed(one, steps):
    torch.cuda.synchronize()
    start = time.perf_counter()
    one.run(steps)
    torch.cuda.synchronize()
    return steps * one.batch / (time.perf_counter() - start)


def synchronisations(one):
    """Return how often a step makes the host wait for the card."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        torch.cuda.set_sync_debug_mode("warn")
        one.run(LOOKED_AT)
        torch.cuda.set_sync_debug_mode("default")
    return sum("synchroniz" in str(one.message) for one in said) / LOOKED_AT


def launches(one):
    """Return what the host launches a step, by the call's name."""
    with torch.profiler.profile(activities=list(torch.profiler.supported_activities())) as seen:
        one.run(LOOKED_AT)
        torch.cuda.synchronize()
    calls = (event for event in seen.key_averages() if LAUNCHES.match(event.key))
    return {event.key: event.count / LOOKED_AT for event in calls}


def race(network, rounds, steps):
    found, absent = started(network)
    speeds = {name: [] for name in found}
    for _ in range(rounds):
        for name, one in found.items():
            speeds[name].append(speed(one, steps))
    medians = {name: statistics.median(series) for name, series in speeds.items()}
    measured = {
        name: {"images_per_second": medians[name], "rounds": speeds[name]} for name in medians
    }
    for name, one in found.items():
        if not isinstance(one, Jax):
            calls = launches(one)
            graphs = sum(n for call, n in calls.items() if "Graph" in call)
            measured[name] |= {
                "host_synchronisations_a_step": synchronisations(one),
                "launches_a_step": calls,
                "whole_step_captured": 0 < graphs <= 1 and sum(calls.values()) - graphs < 1,
            }
        if isinstance(one, Nelbo):
            one.stop()
    for name in sorted(medians, key=medians.get, reverse=True):
        print(f"{network} {name:20} {medians[name]:12,.0f} images/s", flush=True)
    return {"contestants": measured, "absent": absent, "batch": BATCH[network]}


def main():
    if not torch.cuda.is_available():
        print("No CUDA card here: nothing measured, nothing written.")
        return
    card, quick = torch.cuda.get_device_name(), "--quick" in sys.argv
    rounds, steps = (2, 60) if quick else (ROUNDS, STEPS)
    result = {network: race(network, rounds, steps) for network in BATCH}
    result |= {
        "quick": quick,
        "rounds": rounds,
        "steps_a_chunk": steps,
        "seed": 0,
        "date": datetime.date.today().isoformat(),
        "versions": {**versions(), "cuda": torch.version.cuda},
        "hardware": {**hardware(), "card": card},
    }
    RESULTS.mkdir(exist_ok=True)
    name = re.sub(r"[^a-z0-9]+", "-", card.lower()).strip("-")
    (RESULTS / f"gpu-{name}.json").write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
