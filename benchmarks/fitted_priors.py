"""What a prior fitted after training changes: python benchmarks/fitted_priors.py [--epochs 5].

A VAE, a regularised autoencoder and a VQ-VAE on binarised MNIST, small and trained for a few
epochs, each sampled with the prior that it was trained with and with fitted ones. Measured on test
images: E log p(z), and what the decoder makes of the prior beside what it makes of data
(`PriorSamples`: 0, 1 and 1 are best). Writes results/fitted-priors.json.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import asdict
from pathlib import Path

import torch
from keeping import keep

import nelbo
from nelbo import registry
from nelbo.rng import seeded

RESULT = Path(__file__).parent / "results" / "fitted-priors.json"
MODELS = {
    "vae": ("diagonal", "standard", "elbo", ("mixture", "maf", "two_stage")),
    "rae": ("deterministic", "standard", "rae_l2", ("mixture", "maf")),
    "vq": ("vq:codes=64,dim=2", "uniform_codes", "vq_elbo", ("autoregressive_codes",)),
}
LATENT = 8


def trained(posterior, prior, objective, train, epochs):
    with seeded(0):
        model = nelbo.VAE(
            train.shape,
            LATENT,
            network=nelbo.networks.MLP(hidden=(200,)),
            posterior=registry.build("posterior", posterior),
            prior=registry.build("prior", prior),
        )
        model.initialise(train.mean())
    objective = registry.build("objective", objective)
    nelbo.fit(model, train, objective=objective, epochs=epochs, batch=250, callbacks=[])
    return model.eval()


@torch.no_grad()
def log_pz(model, x):
    with seeded(0):
        values = model.terms(x).log_pz[0]
    error = (values.std() / len(values) ** 0.5).item()
    return {"value": values.mean().item(), "standard_error": error}


def row(model, test):
    """Return the numbers of a model; every density in nats."""
    found = nelbo.evaluate(model, test, [nelbo.evaluate.PriorSamples(examples=5000)])
    if model.terms(test[:2]).has_density:
        found |= nelbo.evaluate(model, test, [nelbo.evaluate.ELBO()])
    said = {name: asdict(estimate) for name, estimate in found.items()}
    short = {n: {k: e[k] for k in ("value", "standard_error")} for n, e in said.items()}
    return {"log_pz": log_pz(model, test[:]), **short}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=5)
    epochs = parser.parse_args().epochs
    data = nelbo.data.load("mnist", transform="static_binarise")
    rows = {}
    for name, (posterior, before, objective, priors) in MODELS.items():
        model = trained(posterior, before, objective, data.train, epochs)
        rows[f"{name}, {before} (as trained)"] = row(model, data.test)
        print(name, before, rows[f"{name}, {before} (as trained)"], flush=True)
        for text in priors:
            began = time.perf_counter()
            prior = registry.build("prior", text)
            fitted = nelbo.fit_prior(
                model, data.train, prior, epochs=epochs, batch=250, lr=3e-3, callbacks=[]
            )
            seconds = time.perf_counter() - began
            rows[f"{name}, {text}"] = {**row(fitted, data.test), "seconds": seconds}
            print(name, text, rows[f"{name}, {text}"], flush=True)
    result = {
        "what": "samples and E log p(z) in nats, before and after nelbo.fit_prior; MNIST, "
        f"binarised once, {LATENT} latents; samples are best at shift 0, spread 1, distance 1",
        "epochs": epochs,
        "rows": rows,
    }
    keep(RESULT, result)


if __name__ == "__main__":
    main()
