"""Missing entries filled in: python benchmarks/imputation.py [--quick].

Of three tables that scikit-learn brings along, half of all entries are taken away at random (MCAR).
Each method sees the other half, and is measured on what was taken: the root mean square error over
all those entries, each column divided by its deviation. nelbo trains with the importance-weighted
bound and imputes with 1000 samples; scikit-learn's methods are as they come. Three seeds each, of
the gaps, the weights and the order. Settings were fixed beforehand, the same for all tables. Writes
results/imputation.json.
"""

from __future__ import annotations

import argparse
import time
import warnings
from pathlib import Path

import numpy as np
import sklearn
import torch
from keeping import keep
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.exceptions import ConvergenceWarning
from sklearn.experimental import enable_iterative_imputer  # noqa: F401 - it makes the next one
from sklearn.impute import IterativeImputer, KNNImputer, SimpleImputer

import nelbo
from nelbo.train import versions

RESULT = Path(__file__).parent / "results" / "imputation.json"
SEEDS = (0, 1, 2)
MISSING = 0.5
TABLES = {"breast_cancer": load_breast_cancer, "wine": load_wine, "diabetes": load_diabetes}
STEPS, BATCH, LATENT, SAMPLES = 1500, 64, 10, 1000


def with_nelbo(x, seed, steps):
    torch.manual_seed(seed)
    network = nelbo.networks.MLP(hidden=(128, 128))
    likelihood = nelbo.likelihoods.Gaussian(sigma="per_feature")
    model = nelbo.VAE(x.shape[1], LATENT, network, likelihood, missing=True)
    source = nelbo.data.as_source(x.astype(np.float32))
    model.initialise(source.mean())
    nelbo.fit(
        model,
        source,
        objective=nelbo.objectives.IWAE(samples=20),
        epochs=max(1, steps * BATCH // len(x)),
        batch=BATCH,
        seed=seed,
        callbacks=[],
    )
    return nelbo.impute(model, source, samples=SAMPLES, seed=seed).numpy()


def with_sklearn(imputer):
    def filled(x, seed, steps):
        if hasattr(imputer, "random_state"):
            imputer.set_params(random_state=seed)
        return imputer.fit_transform(x)

    return filled


METHODS = {
    "nelbo": with_nelbo,
    "IterativeImputer": with_sklearn(IterativeImputer()),
    "KNNImputer": with_sklearn(KNNImputer()),
    "mean": with_sklearn(SimpleImputer()),
}


def errors(table, seed, steps):
    """Return each method's error on one table; the numbers are standardised by what is seen."""
    whole = TABLES[table]().data.astype(np.float64)
    gaps = np.random.default_rng(seed).random(whole.shape) < MISSING
    seen = np.where(gaps, np.nan, whole)
    x = (seen - np.nanmean(seen, 0)) / np.nanstd(seen, 0)
    found = {}
    for name, method in METHODS.items():
        start = time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            full = method(x, seed, steps) * np.nanstd(seen, 0) + np.nanmean(seen, 0)
        off = ((full - whole) / whole.std(0))[gaps]
        seconds = round(time.perf_counter() - start, 1)
        found[name] = {"rmse": float(np.sqrt((off**2).mean())), "seconds": seconds}
    return found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="a few steps, nothing written")
    quick = parser.parse_args().quick
    tables = {}
    for table in TABLES:
        rows = []
        for seed in SEEDS[:1] if quick else SEEDS:
            rows.append({"seed": seed, **errors(table, seed, 100 if quick else STEPS)})
            print(table, rows[-1], flush=True)
        means = {name: float(np.mean([row[name]["rmse"] for row in rows])) for name in METHODS}
        spread = {name: float(np.std([row[name]["rmse"] for row in rows])) for name in METHODS}
        tables[table] = {"rmse": means, "deviation_over_seeds": spread, "seeds": rows}
        print(table, means, flush=True)
    if quick:
        return
    result = {
        "what": "RMSE of the missing entries, 50 % MCAR, columns divided by their deviation",
        "settings": {
            "steps": STEPS, "batch": BATCH, "latent": LATENT, "samples": SAMPLES,
            "objective": "iwae:samples=20", "likelihood": "gaussian:sigma=per_feature",
            "network": "mlp:hidden=(128,128)",
        },
        "tables": tables,
        "versions": {**versions(), "scikit-learn": sklearn.__version__},
    }  # fmt: skip
    keep(RESULT, result)


if __name__ == "__main__":
    main()
