"""Bits for 8-bit images under different likelihoods: python benchmarks/bits.py [--quick].

Fashion-MNIST, its bytes as they are. Likelihoods of bytes have a mass for each of the 256 values;
densities see y = (x + u) / 256, u uniform, and since

    log P(x) >= E_u log p(y) - D log 256        Theis, van den Oord & Bethge 2016, section 3.1

they are held to as many bits as they would need at most. All have the same convolutional network,
40 latents, data, batches, step size and number of epochs, and start at the mean image; none was
tuned. log p is bounded by the same number of importance samples for every one.

    python benchmarks/bits.py --epochs 20        the same, for longer

Runs go on from their newest checkpoints in --scratch. Writes results/bits.json after each.
"""

from __future__ import annotations

import argparse
import importlib
import json
import math
import tempfile
import warnings
from pathlib import Path

import numpy as np
import torch
from gains import BATCH, LR, bounds, estimate
from gains_contestants import LATENT
from keeping import keep

import nelbo
from nelbo import registry
from nelbo.data import Examples
from nelbo.machine import hardware

RESULT = Path(__file__).parent / "results" / "bits.json"
MASSES = ("discretized_logistic_mixture:components=5", "discretized_logistic", "categorical")
DENSITIES = ("gaussian", "heteroscedastic", "logistic", "continuous_bernoulli")
CHANNELS, HIDDEN, SEED = (16, 32), (256,), 0
SAMPLES, EVERY, QUICK = 50, 20, 500
FEW, CHUNK = 20, 5  # images and samples at a time: a pixel of `categorical` has 256 outputs
DIMENSIONS = 28 * 28


def trained(name, train, epochs, folder):
    """Train, or go on, in a folder."""
    torch.manual_seed(SEED)
    model = nelbo.VAE(
        (1, 28, 28),
        LATENT,
        network=nelbo.networks.Conv(channels=CHANNELS, hidden=HIDDEN),
        likelihood=registry.build("likelihood", name),
    )
    model.initialise(train.mean(), train.some())
    # the forecast of fifteen outputs a pixel, and of 256, takes longer than this training
    importlib.import_module("nelbo.train.beliefs").foretold = lambda *_: None
    settings = {"epochs": epochs, "batch": BATCH, "lr": LR, "seed": SEED, "compile": False}
    again = (folder / "config.json").exists()
    return nelbo.fit(model, train, out=folder, resume=again, callbacks=[], **settings)


def bits(log_p, density):
    """Return bits per dimension of log p(x), or of log p(y), in nats per image."""
    nats = -np.asarray(log_p) + DIMENSIONS * math.log(256) * density
    return nats / (DIMENSIONS * math.log(2))


def row(name, density, run, test, samples):
    elbo, bound = bounds(run.model, test, samples, FEW, CHUNK)
    return {
        "likelihood": name,
        "is_density": density,
        "bits_per_dimension": estimate(bits(bound, density)),
        "elbo_bits_per_dimension": estimate(bits(elbo, density)),
        "parameters": sum(p.numel() for p in run.model.parameters()),
        "seconds": sum(line["seconds"] for line in run.history),
        "each_image": bits(bound, density).round(5).tolist(),
    }


def write(rows, epochs, samples, images, result):
    """Write all that was measured, and by how much each is above the first, paired by image."""
    first, found = rows[0], []
    for each in rows:
        above = np.subtract(each["each_image"], first["each_image"])
        kept = {name: value for name, value in each.items() if name != "each_image"}
        found.append(kept | {"above": estimate(above)})
    record = {
        "what": "Fashion-MNIST, bits per dimension of the bytes, at most",
        "network": f"convolutions {CHANNELS}, {HIDDEN}, {LATENT} latents, batch {BATCH}, Adam {LR}",
        "epochs": epochs,
        "training_images": images,
        "samples": samples,
        "seed": SEED,
        "above": first["likelihood"],
        "likelihoods": found,
        "hardware": {**hardware(), "threads": torch.get_num_threads()},
    }
    keep(result, record)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="500 images")
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--images", type=int, default=60_000, help="to train on")
    parser.add_argument("--only", nargs="*", default=[*MASSES, *DENSITIES])
    scratch = Path(tempfile.gettempdir()) / "nelbo-bits"
    parser.add_argument("--scratch", type=Path, default=scratch)
    given = parser.parse_args()
    images, every, samples = (QUICK, 500, 5) if given.quick else (given.images, EVERY, SAMPLES)
    folder = given.scratch / f"{images}"
    kept = folder / f"measured-{given.epochs}"
    kept.mkdir(parents=True, exist_ok=True)
    result, rows = folder / "bits.json" if given.quick else RESULT, []
    for i, name in enumerate((*MASSES, *DENSITIES)):
        density, place = name in DENSITIES, kept / f"{i}.json"
        transform = "dequantise" if density else "scale"
        data = nelbo.data.load("fashion-mnist", transform=transform)
        if name in given.only and not place.exists():
            train = Examples(data.train.array[:images], transform)
            test = Examples(data.test.array[::every].contiguous(), transform)
            with warnings.catch_warnings(action="ignore"):
                run = trained(name, train, given.epochs, folder / f"{i}")
            place.write_text(json.dumps(row(name, density, run, test, samples)))
        if place.exists():
            rows.append(json.loads(place.read_text()))
            write(rows, given.epochs, samples, images, result)
            print(name, rows[-1]["bits_per_dimension"], f"{rows[-1]['seconds']:.0f} s", flush=True)


if __name__ == "__main__":
    main()
