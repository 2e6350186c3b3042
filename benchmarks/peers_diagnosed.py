"""Peers' VAEs as they ship, trained on MNIST, through `nelbo.adapt` and `nelbo.diagnose`.

    python benchmarks/peers_diagnosed.py

Makes .peers-venv (Pythae 0.1.2, torch, this nelbo), trains there Pythae's VAE, BetaVAE and
MSSSIM_VAE by Pythae's own pipeline, every setting at its default but the number of epochs and of
images, and a plain PyTorch VAE after pytorch/examples; diagnoses each, and writes
results/peers-diagnosed.json and docs/peers.md. Five minutes of one core the first time; the trained
weights stay in .peers-venv.

    python benchmarks/peers_diagnosed.py --page

writes docs/peers.md again from the JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / ".peers-venv"
RESULT = ROOT / "benchmarks" / "results" / "peers-diagnosed.json"
PAGE = ROOT / "docs" / "peers.md"
PINS = ("pythae==0.1.2", "torch==2.13.0", "pydantic==2.14.3", "scikit-learn==1.9.1")

SEED = 0
IMAGES = 10_000
PLAIN = "plain PyTorch"
EPOCHS = {"VAE": 20, "BetaVAE": 20, "MSSSIM_VAE": 4, PLAIN: 10}
MEASURES = ("active_units", "kl_per_latent", "mutual_information", "explained_variance")


def pythae(name):
    """Return one of Pythae's models, its training by Pythae's pipeline, and what to hand over."""
    import pythae.models
    from pythae.pipelines import TrainingPipeline
    from pythae.trainers import BaseTrainerConfig

    config = getattr(pythae.models, f"{name}Config")(input_dim=(1, 28, 28))
    model = getattr(pythae.models, name)(config)

    def train(x):
        with tempfile.TemporaryDirectory() as folder:
            training = BaseTrainerConfig(output_dir=folder, num_epochs=EPOCHS[name], seed=SEED)
            TrainingPipeline(model=model, training_config=training)(train_data=x)

    def encode(x):
        found = model.encoder(x)
        return found.embedding, found.log_covariance

    def decode(z):
        return model.decoder(z).reconstruction

    def loss(x, recon, mu, logvar):
        return model.loss_function(recon, x, mu, logvar, None)[0]

    return model, train, {"encode": encode, "decode": decode, "loss": loss}


def plain(name):
    """Return the VAE of pytorch/examples, 784-400-20, its training, and what to hand over."""
    import torch
    from torch import nn
    from torch.nn import functional as F

    class VAE(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1 = nn.Linear(784, 400)
            self.fc21 = nn.Linear(400, 20)
            self.fc22 = nn.Linear(400, 20)
            self.fc3 = nn.Linear(20, 400)
            self.fc4 = nn.Linear(400, 784)

        def encode(self, x):
            h1 = F.relu(self.fc1(x.view(-1, 784)))
            return self.fc21(h1), self.fc22(h1)

        def decode(self, z):
            return torch.sigmoid(self.fc4(F.relu(self.fc3(z))))

    def loss(x, recon, mu, logvar):
        bce = F.binary_cross_entropy(recon.view(-1, 784), x.view(-1, 784), reduction="sum")
        return bce - 0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())

    model = VAE()

    def train(x):
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
        for _ in range(EPOCHS[name]):
            for batch in x[torch.randperm(len(x))].split(128):
                mu, logvar = model.encode(batch)
                z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
                optimizer.zero_grad()
                loss(batch, model.decode(z), mu, logvar).backward()
                optimizer.step()

    return model, train, {"encode": model.encode, "decode": model.decode, "loss": loss}


def trained(name, x):
    """Return what to hand over of a trained model, and the seconds that its training took."""
    import torch

    torch.manual_seed(SEED)
    model, train, functions = (plain if name == PLAIN else pythae)(name)
    weights = FOLDER / f"{name}-{SEED}-{EPOCHS[name]}-{IMAGES}.pt"
    if not weights.exists():
        start = time.perf_counter()
        train(x)
        seconds = time.perf_counter() - start
        torch.save({"weights": model.state_dict(), "seconds": seconds}, weights)
    kept = torch.load(weights, weights_only=True)
    model.load_state_dict(kept["weights"])
    return functions, kept["seconds"]


def row(name, mnist):
    """Train and diagnose one model."""
    import nelbo

    functions, seconds = trained(name, mnist.train[:IMAGES])
    found = nelbo.diagnose(nelbo.adapt(**functions), mnist.test)
    without = {part: functions[part] for part in ("encode", "decode")}
    alone = nelbo.diagnose(nelbo.adapt(**without), mnist.test)
    audit = found.audit
    return {
        "model": name,
        "epochs": EPOCHS[name],
        "training_seconds": round(seconds, 1),
        "ok": found.ok,
        "reconstruction": audit.reconstruction.family,
        "sigma2": audit.sigma2,
        "beta": audit.beta,
        "measures": {n: vars(found.measures[n]) for n in MEASURES},
        "findings": [vars(one) for one in found.findings],
        "first_finding_without_the_loss": str(next(iter(alone.findings), "")),
    }


def inside():
    """Run in the environment with Pythae: print the result as JSON, last."""
    import torch

    import nelbo
    from nelbo.machine import hardware
    from nelbo.train import versions

    torch.set_num_threads(1)
    mnist = nelbo.data.load("mnist")
    rows = [row(name, mnist) for name in EPOCHS]
    result = {
        "data": "mnist",
        "training_images": IMAGES,
        "seed": SEED,
        "models": rows,
        "versions": versions() | {"pythae": version("pythae")},
        "hardware": hardware(),
    }
    print("\n" + json.dumps(result))


def environment():
    """Return the interpreter of the environment, made where it is not there."""
    python = FOLDER / "bin" / "python"
    if not (FOLDER / "made").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", FOLDER], check=True)
        pip = [python, "-m", "pip", "install", "--quiet", "--constraint", ROOT / "constraints.txt"]
        subprocess.run([*pip, *PINS, "--editable", ROOT], check=True)
        (FOLDER / "made").touch()
    return python


def number(value):
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def first(model):
    """Return the finding to act on: the first that is more than a remark, or none."""
    return next((f for f in model["findings"] if f["severity"] != "info"), None)


def summary(model):
    found = first(model)
    if found is None:
        return f"| {model['model']} | healthy | | |"
    evidence = ", ".join(f"{name}: {number(value)}" for name, value in found["evidence"].items())
    text = f"{found['severity']} `{found['code']}`: {found['cause']}"
    return f"| {model['model']} | {text} | {evidence} | {found['fix']} |"


def measured(model):
    values = " | ".join(number(model["measures"][name]["value"]) for name in MEASURES)
    scale = [number(model[name]) if model[name] is not None else "-" for name in ("sigma2", "beta")]
    return f"| {model['model']} | {model['epochs']} | {' | '.join(scale)} | {values} |"


def everything(model):
    lines = [f"### {model['model']}", ""]
    for found in model["findings"]:
        lines.append(f"- {found['severity']} `{found['code']}`: {found['cause']} {found['fix']}")
    alone = model["first_finding_without_the_loss"] or "nothing"
    return [*lines, "", f"From `encode` and `decode` alone, first: {alone}", ""]


def page(result):
    """Write docs/peers.md."""
    used = result["versions"]
    lines = [
        "<!-- Written by benchmarks/peers_diagnosed.py from real runs. Do not edit. -->",
        "",
        "# Peers' models, diagnosed as they ship",
        "",
        f"Pythae {used['pythae']}'s VAE, BetaVAE and MSSSIM_VAE, with its default networks,",
        "configurations and trainer (10 latents, Adam at 1e-4, batches of 64), and the VAE of",
        "pytorch/examples in plain PyTorch (784-400-20, summed cross entropy, Adam at 1e-3,",
        f"batches of 128); each trained on {result['training_images']:,} images of MNIST, seed",
        f"{result['seed']}, with torch {used['torch']}, and diagnosed on 2,000 of the test set.",
        "",
        "| as shipped | what the doctor says first | evidence | fix |",
        "|---|---|---|---|",
        *map(summary, result["models"]),
        "",
        "BetaVAE ships with beta = 1, at which it is the VAE. What was measured:",
        "",
        "| as shipped | epochs | sigma^2 | beta | active latents | KL, nats "
        "| mutual information of x and z, nats | variance explained |",
        "|---|---|---|---|---|---|---|---|",
        *map(measured, result["models"]),
        "",
        "A model is handed over as two functions and, where it has one, its loss. Pythae's:",
        "",
        "```",
        "def encode(x):",
        "    found = model.encoder(x)",
        "    return found.embedding, found.log_covariance",
        "",
        "def decode(z):",
        "    return model.decoder(z).reconstruction",
        "",
        "def loss(x, recon, mu, logvar):",
        "    return model.loss_function(recon, x, mu, logvar, None)[0]",
        "",
        "found = nelbo.diagnose(nelbo.adapt(encode=encode, decode=decode, loss=loss), images)",
        "```",
        "",
        "## All that was found",
        "",
    ]
    for model in result["models"]:
        lines += everything(model)
    lines += ["`python benchmarks/peers_diagnosed.py` makes the environment, and this page anew."]
    PAGE.write_text("\n".join(lines) + "\n")


def main():
    if "--page" not in sys.argv:
        command = [environment(), __file__, "--inside"]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        result = json.loads(done.stdout.splitlines()[-1])
        RESULT.write_text(json.dumps(result, indent=2) + "\n")
    page(json.loads(RESULT.read_text()))


if __name__ == "__main__":
    inside() if "--inside" in sys.argv else main()
