"""100 labels of MNIST: python benchmarks/semi_supervised.py [--quick] [--seeds 0 1 2].

What M2 makes of 100 labelled digits (ten of each class) and 10,000 without labels, against the same
classifier trained on the 100 alone: accuracy on the 10,000 test images. As in section 2.3 of Kingma
et al. 2014 (M1+M2) both see the features of a VAE that was trained first, without labels, on the
same images. The classifier alone is given the best number of steps for the test images, M2 is not.
Three seeds, of images, labels, weights and order. Writes results/semi-supervised.json.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from keeping import keep

import nelbo
from nelbo.objectives import M2
from nelbo.rng import seeded

RESULT = Path(__file__).parent / "results" / "semi-supervised.json"
SEEDS, CLASSES, EACH, IMAGES = (0, 1, 2), 10, 10, 10_000
FEATURES = {"latent": 32, "hidden": (256,), "epochs": 10, "batch": 100, "lr": 1e-3}
SETTINGS = {"latent": 5, "hidden": (256,), "epochs": 15, "batch": 100, "lr": 3e-3}
SHARE, ALPHA, CLASSIFIER = 0.5, 2.0, (128,)
STEPS, LOOK = 1000, 50


def some(train, seed):
    """Return images, and their labels: -1 for all but ten of each class."""
    order = torch.randperm(len(train), generator=torch.Generator().manual_seed(seed))
    labelled = [order[train.labels[order] == c][:EACH] for c in range(CLASSES)]
    chosen = torch.cat([*labelled, order[~torch.isin(order, torch.cat(labelled))]])[:IMAGES]
    labels = train.labels[chosen].clone()
    labels[CLASSES * EACH :] = -1
    return train.take(chosen), labels


def features(images, test, seed, epochs):
    """Return posterior means of a VAE that saw no label: of its images, and of others."""
    with seeded(seed):
        network = nelbo.networks.MLP(hidden=FEATURES["hidden"])
        model = nelbo.VAE((1, 28, 28), FEATURES["latent"], network)
    model.initialise(images.mean())
    settings = {"batch": FEATURES["batch"], "lr": FEATURES["lr"]}
    nelbo.fit(model, images, epochs=epochs, seed=seed, callbacks=[], **settings)
    with torch.no_grad():
        return [
            torch.cat([model.encode(x).mean for x in source.epoch(1000)])
            for source in (images, test)
        ]


def share_right(classify, x, labels):
    return float((classify(x).argmax(-1) == labels).double().mean())


def classifier_alone(x, labels, test, truth, seed):
    """Return the accuracy of M2's classifier trained on the labelled examples, at its best."""
    with seeded(seed):
        objective = M2(hidden=CLASSIFIER)
        objective.setup((x.shape[1],), SETTINGS["latent"])
        objective.connect(CLASSES)
    adam, found = torch.optim.Adam(objective.parameters(), lr=1e-3), []
    for step in range(1, STEPS + 1):
        loss = torch.nn.functional.cross_entropy(objective.classifier(x), labels)
        adam.zero_grad()
        loss.backward()
        adam.step()
        if step % LOOK == 0:
            found.append(share_right(objective.classify, test, truth))
    return max(found)


def with_m2(x, labels, test, truth, seed, epochs):
    with seeded(seed):
        network = nelbo.networks.MLP(hidden=SETTINGS["hidden"])
        likelihood = nelbo.likelihoods.Gaussian(sigma="per_feature")
        latent = SETTINGS["latent"]
        model = nelbo.VAE(x.shape[1], latent, network, likelihood, covariates=CLASSES)
    index = nelbo.data.oversample(labels, SHARE)
    rows = nelbo.data.beside(x[index], labels[index], CLASSES)
    objective = M2(alpha=ALPHA, hidden=CLASSIFIER)
    settings = {"batch": SETTINGS["batch"], "lr": SETTINGS["lr"]}
    settings = {**settings, "epochs": epochs, "seed": seed, "callbacks": []}
    nelbo.fit(model, rows, objective=objective, **settings)
    return share_right(objective.classify, test, truth)


def measured(data, seed, quick):
    images, labels = some(data.train, seed)
    start = time.perf_counter()
    x, test = features(images, data.test, seed, 1 if quick else FEATURES["epochs"])
    between, known, truth = time.perf_counter(), labels >= 0, data.test.labels
    accuracy = with_m2(x, labels, test, truth, seed, 1 if quick else SETTINGS["epochs"])
    end = time.perf_counter()
    return {
        "seed": seed,
        "m2": accuracy,
        "classifier alone, features": classifier_alone(x[known], labels[known], test, truth, seed),
        "classifier alone, pixels": classifier_alone(
            images[:][known].flatten(1), labels[known], data.test[:].flatten(1), truth, seed
        ),
        "seconds of the features": round(between - start, 1),
        "seconds of m2": round(end - between, 1),
    }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="an epoch each, nothing written")
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    data, rows = nelbo.data.load("mnist"), []
    for seed in chosen.seeds[:1] if chosen.quick else chosen.seeds:
        rows.append(measured(data, seed, chosen.quick))
        print(rows[-1], flush=True)
    if chosen.quick:
        return
    methods = [name for name in rows[0] if name != "seed" and "seconds" not in name]
    each = {name: [row[name] for row in rows] for name in methods}
    result = {
        "what": "accuracy on the 10,000 test images of MNIST, from 100 labels",
        "settings": {
            "labelled": CLASSES * EACH, "images": IMAGES, "share": SHARE, "alpha": ALPHA,
            "classifier": list(CLASSIFIER), "features": FEATURES, "m2": SETTINGS,
            "classifier_alone": f"Adam, 1e-3, the best of {STEPS // LOOK} looks in {STEPS} steps",
        },
        "accuracy": {name: float(np.mean(found)) for name, found in each.items()},
        "deviation_over_seeds": {name: float(np.std(found)) for name, found in each.items()},
        "seeds": rows,
    }  # fmt: skip
    keep(RESULT, result)


if __name__ == "__main__":
    main()
