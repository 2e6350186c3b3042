"""Negative binomials against the Poisson, on counts: python benchmarks/counts.py [--quick].

    digits          real: pixels set in each of 64 blocks of 4 x 4, 1,797 digits (UCI; scikit-learn)
    names           real: how often each of 200 names stands in each file of Python's own library
    genes           drawn: gamma-Poisson counts of 200 genes in 4,000 cells, see `genes`
    genes, dropped  drawn: the same, and 30 % of the counts lost

Each likelihood trains the same network with the same seed, steps and step size; the epoch that
suits a validation set best is kept, since the sets are small. Held out: log p(x) in nats an
example, bounded by 500 importance samples, a mass on {0, 1, ...} in every case, and the gain over
the Poisson, paired by example. Writes results/counts.json.
"""

from __future__ import annotations

import argparse
import collections
import datetime
import hashlib
import json
import platform
import sysconfig
import tokenize
import warnings
from pathlib import Path

import numpy as np
import torch
from gains import bounds, estimate
from sklearn.datasets import load_digits

import nelbo
from nelbo import registry
from nelbo.data import Examples
from nelbo.machine import hardware
from nelbo.train import versions

RESULT = Path(__file__).parent / "results" / "counts.json"
LIKELIHOODS = ("poisson", "negative_binomial", "zero_inflated_negative_binomial")
HIDDEN, LATENT, BATCH, LR, SAMPLES, SEED = (100,), 10, 100, 1e-3, 500, 0
STEPS, QUICK, NAMES, FEWEST, BYTES = 2000, 50, 200, 100, 200_000
CELLS, GENES, FACTORS, DROPPED = 4000, 200, 5, 0.3


def digits(random):
    return load_digits().data


def names(random):
    """Return how often the commonest names stand in each file of the library, tests left out."""
    library, files = Path(sysconfig.get_path("stdlib")), []
    for path in sorted(library.rglob("*.py")):
        parts = path.relative_to(library).parts
        if {"site-packages", "test", "tests"} & set(parts) or path.stat().st_size > BYTES:
            continue
        with path.open("rb") as file:
            tokens = [t.string for t in tokenize.tokenize(file.readline) if t.type == tokenize.NAME]
        if len(tokens) >= FEWEST:
            files.append(collections.Counter(tokens))
    total = sum(files, collections.Counter())
    common = [name for name, _ in total.most_common(NAMES)]
    return np.array([[counted[name] for name in common] for counted in files])


# x_ng ~ Poisson(r_ng),   r_ng ~ Gamma(shape theta_g, mean m_ng),
# log m_ng = log s_n + b_g + w_g . f_n,   log s ~ N(0, 0.3^2), b ~ N(0.5, 1), f ~ N(0, I_5),
# w ~ N(0, 0.5^2 / 5), log theta ~ N(0.5, 0.5^2)
def genes(random):
    """Return counts that are negative binomial given a cell's factors and its size."""
    f, w = random.normal(size=(CELLS, FACTORS)), random.normal(size=(FACTORS, GENES))
    logs = 0.3 * random.normal(size=(CELLS, 1)) + random.normal(0.5, 1.0, GENES)
    mean = np.exp(logs + 0.5 * f @ w / np.sqrt(FACTORS))
    theta = np.exp(random.normal(0.5, 0.5, GENES))
    return random.poisson(random.gamma(theta, mean / theta))


def dropped(random):
    """Return the same counts, 30 % of which are lost whatever they were."""
    x = genes(random)
    return np.where(random.random(x.shape) < DROPPED, 0, x)


DATA = {"digits": digits, "names": names, "genes": genes, "genes, dropped": dropped}


def split(x):
    """Return 70 % of the examples, 10 % to choose the epoch with, and 20 %."""
    order = np.random.default_rng(SEED).permutation(len(x))
    parts = np.split(x[order], [7 * len(x) // 10, 8 * len(x) // 10])
    return [Examples(part.astype(np.float32), nelbo.data.transforms.Raw()) for part in parts]


def row(name, parts, steps, samples):
    """Train a likelihood, and return the bound of each held-out example."""
    train, valid, test = parts
    torch.manual_seed(SEED)
    network = nelbo.networks.MLP(hidden=HIDDEN)
    likelihood = registry.build("likelihood", name)
    model = nelbo.VAE(train.shape, LATENT, network=network, likelihood=likelihood)
    model.initialise(train.mean(), train.some())
    epochs = -(-steps * BATCH // len(train))
    settings = {"epochs": epochs, "batch": BATCH, "lr": LR, "clip": 100.0, "seed": SEED}
    run = nelbo.fit(
        model, train, valid=valid, patience=epochs, compile=False, callbacks=[], **settings
    )
    best = max(line["valid_elbo"] for line in run.history)
    epoch = next(line["epoch"] for line in run.history if line["valid_elbo"] == best)
    return {"best_epoch": epoch, "epochs": epochs, "bound": bounds(run.model, test, samples)[1]}


def measured(make, steps, samples):
    """Return one data set's facts and rows."""
    x = np.asarray(make(np.random.default_rng(SEED)))
    parts = split(x)
    rows = {name: row(name, parts, steps, samples) for name in LIKELIHOODS}
    poisson = rows["poisson"]["bound"]
    for found in rows.values():
        found["gain"], found["bound"] = estimate(found["bound"] - poisson), estimate(found["bound"])
    return {
        "examples": len(x),
        "features": x.shape[1],
        "mean": float(x.mean()),
        "largest": int(x.max()),
        "zeros": float((x == 0).mean()),
        "sha256": hashlib.sha256(x.astype("<i4").tobytes()).hexdigest(),
        "likelihoods": rows,
    }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="50 steps")
    parser.add_argument("--only", nargs="*", default=list(DATA), choices=DATA)
    given = parser.parse_args()
    steps, samples = (QUICK, 20) if given.quick else (STEPS, SAMPLES)
    kept = json.loads(RESULT.read_text())["data"] if RESULT.exists() else {}
    for name in given.only:
        with warnings.catch_warnings(action="ignore"):
            kept[name] = measured(DATA[name], steps, samples)
        print(name, json.dumps(kept[name], indent=2), flush=True)
        if given.quick:
            continue
        result = {
            "what": "held-out log p(x), nats an example, at least",
            "network": f"mlp {HIDDEN}, {LATENT} latents, batch {BATCH}, Adam {LR}, {steps} steps",
            "samples": samples,
            "seed": SEED,
            "data": {key: kept[key] for key in DATA if key in kept},
            "python": platform.python_version(),
            "versions": versions(),
            "hardware": {**hardware(), "threads": torch.get_num_threads()},
            "date": datetime.date.today().isoformat(),
        }
        RESULT.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
