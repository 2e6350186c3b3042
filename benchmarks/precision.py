"""What bf16 costs in nats: python benchmarks/precision.py [--epochs 5].

The question's network, 784-500-500-20, on MNIST: trained in fp32 and in bf16 for as many steps,
with three seeds each; the test ELBO of all 10,000 images, measured in fp32 with one sample and the
same noise. Writes results/precision.json.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from keeping import keep

import nelbo

RESULT = Path(__file__).parent / "results" / "precision.json"
SEEDS = (0, 1, 2)
ALLOWED = 0.2  # nats
LIKELIHOODS = {
    "bernoulli": lambda: nelbo.likelihoods.Bernoulli(),
    "gaussian:sigma=learned,link=logit": lambda: nelbo.likelihoods.Gaussian(
        sigma="learned", link="logit"
    ),
}


def test_elbo(likelihood, precision, seed, epochs, data):
    torch.manual_seed(seed)
    network = nelbo.networks.MLP(hidden=(500, 500))
    model = nelbo.VAE((1, 28, 28), 20, network=network, likelihood=likelihood())
    model.initialise(data.train.mean())
    settings = {"epochs": epochs, "seed": seed, "precision": precision, "compile": True}
    nelbo.fit(model, data.train, callbacks=[], **settings)
    return nelbo.evaluate(model, data.test, [nelbo.evaluate.ELBO()])["elbo"].value


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=5)
    epochs = parser.parse_args().epochs
    data = nelbo.data.load("mnist", transform="static_binarise")
    found = {}
    for name, likelihood in LIKELIHOODS.items():
        rows = []
        for seed in SEEDS:
            full, half = (
                test_elbo(likelihood, precision, seed, epochs, data)
                for precision in ("fp32", "bf16")
            )
            rows.append({"seed": seed, "fp32": full, "bf16": half, "difference": half - full})
            print(name, rows[-1], flush=True)
        mean = sum(row["difference"] for row in rows) / len(rows)
        spread = max(r["fp32"] for r in rows) - min(r["fp32"] for r in rows)
        found[name] = {
            "seeds": rows,
            "mean_difference": mean,
            "between_seeds_in_fp32": spread,
            "within_0.2_nats": abs(mean) <= ALLOWED,
        }
        print(name, "mean difference", mean, "between seeds", spread, flush=True)
    result = {
        "what": "test ELBO in nats, MNIST binarised once, after equal steps in fp32 and bf16",
        "epochs": epochs,
        "likelihoods": found,
    }
    keep(RESULT, result)


if __name__ == "__main__":
    main()
