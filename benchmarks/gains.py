"""What a better prior, posterior or objective is worth: python benchmarks/gains.py [--quick].

MNIST, binarised anew at every use for training and once, seeded, for the test. All contestants have
the same gated network 300-300, 40 latents, data, batches, step size and number of epochs, and none
was tuned; each differs from the plain VAE in what `gains_contestants.py` says. KL warm-up over the
first epochs belongs to all but the two that are another objective. log p(x) is bounded by 500
importance samples for each of 2,000 test images, every fifth of the 10,000, so that gains over the
plain VAE are paired by image.

    python benchmarks/gains.py --epochs 50 --seeds 3     the same, for longer
    python benchmarks/gains.py --maps --epochs 10        a hierarchy of maps, its own network

Every run goes on from its newest checkpoint in --scratch, with more epochs too, and is measured
when it is done. Writes results/gains.json, or gains-maps.json, after each.
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import torch
from gains_contestants import CHANNELS, CONTESTANTS, HIDDEN, LEVELS, MAPS, PLAIN, SETS
from keeping import keep

import nelbo
from nelbo.data import Examples
from nelbo.evaluate.base import evaluation_mode
from nelbo.evaluate.weights import Weights, rows_at_once
from nelbo.formulas import log_mean_exp
from nelbo.machine import hardware
from nelbo.matmul import fast_matmul
from nelbo.objectives import ELBO, Linear
from nelbo.rng import seeded
from nelbo.train.adam import Adam
from nelbo.train.step import Step

RESULTS = Path(__file__).parent / "results"
BATCH, LR, SAMPLES, EVERY, QUICK = 100, 1e-3, 500, 5, 1000
WARM, STEPS = 3, 20  # to time a step with


def untrained(contestant, seed, train):
    """Return a model at its start: at the mean image, and a prior at examples where it can be."""
    torch.manual_seed(seed)
    given = {"network": contestant.network, **contestant.parts()}
    model = nelbo.VAE((1, 28, 28), contestant.latent, **given)
    model.initialise(train.mean())
    if contestant.starts:
        model.prior.start(train.at(torch.randperm(len(train))[: model.prior.components]))
    return model


def warmed_up(examples, epochs):
    """Return the ELBO whose KL comes in over so many epochs."""
    return ELBO(beta=Linear(steps=epochs * math.ceil(examples / BATCH)))


def trained(contestant, seed, train, epochs, folder):
    """Train, or go on, in a folder."""
    return nelbo.fit(
        untrained(contestant, seed, train),
        train,
        objective=contestant.objective or warmed_up(len(train), min(contestant.warm_up, epochs)),
        epochs=epochs,
        batch=BATCH,
        lr=LR,
        seed=seed,
        compile=False,
        out=folder,
        resume=(folder / "config.json").exists(),
        callbacks=[],
    )


@torch.no_grad()
def bounds(model, test, samples, batch=BATCH, chunk=None):
    """Return the ELBO and the importance bound of each example, both of the same latents, in nats.

    Latents are drawn as `nelbo.evaluate.ImportanceBound` draws them.
    """
    found = []
    with fast_matmul(), seeded(0), evaluation_mode(model):
        weights = Weights(model, samples * len(test))
        for x in test.epoch(batch):
            sizes = [len(s) for s in torch.arange(samples).split(chunk or rows_at_once(x))]
            log_w = torch.cat([weights(x, size) for size in sizes]).double()
            found.append(torch.stack((log_w.mean(0), log_mean_exp(log_w))))
    return torch.cat(found, dim=1).numpy()


def measured(run, test, fifth, samples):
    """Return what is kept of a run: estimates over the test set, and the bounds of each image."""
    elbo, bound = bounds(run.model, fifth, samples)
    estimators = [nelbo.evaluate.ELBO(), nelbo.evaluate.ActiveUnits()]
    estimates = nelbo.evaluate(run.model, test, estimators)
    return {
        "kl": vars(estimates["kl"]) | {"parts": None},
        "elbo_all_images": vars(estimates["elbo"]),
        "active_units": vars(estimates["active_units"]) | {"parts": None},
        "parameters": sum(p.numel() for p in run.model.parameters()),
        "history": [
            {k: line[k] for k in ("epoch", "elbo", "images_per_second")} for line in run.history
        ],
        "elbo_per_image": elbo.round(3).tolist(),
        "bound_per_image": bound.round(3).tolist(),
    }


def estimate(values):
    """Return the mean over the images, in nats, with its standard error."""
    values = np.asarray(values)
    error = float(values.std(ddof=1) / math.sqrt(len(values)))
    return {"value": float(values.mean()), "standard_error": error, "examples": len(values)}


def cost(contestant, train):
    """Return the processor's milliseconds a step, which other programs hardly change."""
    model = untrained(contestant, 0, train)
    step, adam = Step(model, torch.float32), Adam(model.parameters(), LR)
    x = train.at(torch.arange(BATCH))
    with fast_matmul(), seeded(0):
        for i in range(STEPS + WARM):
            if i == WARM:
                start = time.process_time()
            adam.update(step(x, contestant.objective or ELBO()).loss)
    return 1e3 * (time.process_time() - start) / STEPS


def summary(contestants, runs, costs):
    """Return for each contestant the means over its seeds, and its gain over the same of plain."""
    found = {}
    for name in contestants:
        seeds = sorted(int(key.split("/")[1]) for key in runs if key.split("/")[0] == name)
        rows = [runs[f"{name}/{seed}"] for seed in seeds]
        plain = [runs[f"{PLAIN}/{seed}"] for seed in seeds if f"{PLAIN}/{seed}" in runs]
        if not rows or len(plain) < len(rows):
            continue
        found[name] = {
            "seeds": seeds,
            "parameters": rows[0]["parameters"],
            "kl": float(np.mean([row["kl"]["value"] for row in rows])),
            "kl_standard_error": float(np.mean([row["kl"]["standard_error"] for row in rows])),
            "active_units": float(np.mean([row["active_units"]["value"] for row in rows])),
            "images_per_second": float(np.median([_speed(row) for row in rows])),
            "cpu_ms_a_step": costs[name],
        }
        for what in ("elbo", "bound"):
            ours, theirs = (
                np.mean([row[f"{what}_per_image"] for row in some], axis=0)
                for some in (rows, plain)
            )
            each = [np.mean(row[f"{what}_per_image"]) for row in rows]
            found[name][what] = estimate(ours) | {"each_seed": [float(v) for v in each]}
            found[name][f"{what}_gain"] = estimate(ours - theirs)
    return found


def _speed(row):
    return np.median([line["images_per_second"] for line in row["history"]])


def write(contestants, runs, costs, epochs, result, samples):
    """Write everything measured at this number of epochs."""
    plain = contestants[PLAIN]
    of_vectors = contestants is CONTESTANTS
    network = f"gated {HIDDEN}" if of_vectors else f"conv_maps {CHANNELS}"
    network = f"{network}, {plain.latent} latents"
    found = {
        "what": "MNIST, dynamic binarisation; test set binarised once; nats per image",
        "network": f"{network}, batch {BATCH}, Adam {LR}, fp32",
        "levels": LEVELS if of_vectors else MAPS,
        "epochs": epochs,
        "warm_up": plain.warm_up,
        "samples": samples,
        "contestants": summary(contestants, runs, costs),
        "hardware": {**hardware(), "threads": torch.get_num_threads()},
    }
    keep(result, found)
    return found["contestants"]


def show(name, row):
    units, speed = row["active_units"], row["images_per_second"]
    bound, gain = row["bound"], row["bound_gain"]
    print(
        f"{name}: bound {bound['value']:.2f}, gain {gain['value']:+.2f} +- "
        f"{gain['standard_error']:.2f} nats, {units:.0f} active, {speed:.0f} images/s",
        flush=True,
    )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="1,000 images, checks the bound")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--maps", action="store_true", help="the hierarchy of maps")
    parser.add_argument("--only", nargs="*", help="names of contestants; by default all")
    parser.add_argument("--scratch", type=Path, default=Path(tempfile.gettempdir()))
    given = parser.parse_args()
    what = "gains-maps" if given.maps else "gains"
    contestants = SETS[what]
    strange = set(given.only or ()) - set(contestants)
    if strange:
        parser.error(f"--only: {', '.join(strange)}: not among {', '.join(contestants)}")
    data = nelbo.data.load("mnist", transform="dynamic_binarise")
    bits = nelbo.data.load("mnist", transform="static_binarise:seed=0").test
    train, test, samples, folder = data.train, bits, SAMPLES, given.scratch / f"nelbo-{what}"
    if given.quick:
        train, test, samples = Examples(train.array[:QUICK], train.transform), _some(bits, 20), 50
        folder = folder / "quick"
    fifth = _some(test, EVERY)
    kept = folder / f"measured-{given.epochs}"
    kept.mkdir(parents=True, exist_ok=True)
    timed = folder / "costs.json"
    costs = json.loads(timed.read_text()) if timed.exists() else {}
    result = (folder if given.quick else RESULTS) / f"{what}.json"
    for seed in range(given.seeds):
        for i, name in enumerate(contestants):
            place = kept / f"{i}-{seed}.json"
            if name not in (given.only or contestants):
                continue
            costs[name] = costs.get(name) or cost(contestants[name], train)
            timed.write_text(json.dumps(costs))
            if not place.exists():
                with warnings.catch_warnings(action="ignore"):
                    out = folder / f"{i}-{seed}"
                    run = trained(contestants[name], seed, train, given.epochs, out)
                row = measured(run, test, fifth, samples)
                if given.quick:
                    _check(row, run.model, fifth, samples)
                place.write_text(json.dumps({"key": f"{name}/{seed}"} | row))
            rows = [json.loads(path.read_text()) for path in sorted(kept.glob("*.json"))]
            runs = {row["key"]: row for row in rows}
            found = write(contestants, runs, costs, given.epochs, result, samples)
            if name in found:
                show(name, found[name])


def _some(test, step):
    """Return one image of `step`, from the first to the last."""
    return Examples(test.array[::step].contiguous(), nelbo.data.transforms.Raw())


def _check(row, model, fifth, samples):
    """The bounds of the images are those whose mean `ImportanceBound` gives."""
    bound = nelbo.evaluate(model, fifth, [nelbo.evaluate.ImportanceBound(samples, batch=BATCH)])
    theirs = bound["importance_bound"].value
    assert abs(np.mean(row["bound_per_image"]) - theirs) < 1e-2, theirs


if __name__ == "__main__":
    main()
