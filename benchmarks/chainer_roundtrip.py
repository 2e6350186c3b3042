"""Weights from nelbo to the real Chainer 5.0.0 and back: how far apart are the outputs?

    python benchmarks/chainer_roundtrip.py /tmp/chainer/bin/python

The argument is a Python 3.11 that has Chainer 5.0.0, made by

    python3.11 -m venv /tmp/chainer
    /tmp/chainer/bin/pip install numpy==1.23.5 "setuptools<60" wheel six filelock protobuf
    /tmp/chainer/bin/pip install --no-build-isolation chainer==5.0.0

nelbo writes random weights with `save_npz`; Chainer, in that other interpreter, reads them into the
listing of tests/reference/chainer-5.0.0, computes outputs and losses and writes the weights again;
nelbo reads those. Every pair is compared; the last line is the largest difference.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

LISTING = Path(__file__).parents[1] / "tests" / "reference" / "chainer-5.0.0" / "listing.txt"
SIZES = (784, 20, 200)


def outputs(model, F, variable, x, eps):
    """Compute everything that the two sides must agree on, with the code of either."""
    x = variable(x)
    mu, ln_var = model.encode(x)
    z = F.gaussian(mu, ln_var, eps=eps)
    logits, y = model.decode(z, sigmoid=False), model.decode(z)
    found = {
        "mu": mu, "ln_var": ln_var, "z": z, "logits": logits, "y": y,
        "bernoulli_nll": F.bernoulli_nll(x, logits) / len(mu.data),
        "gaussian_nll": F.gaussian_nll(x, y, logits) / len(mu.data),
        "kl": F.gaussian_kl_divergence(mu, ln_var) / len(mu.data),
        "mean_squared_error": F.mean_squared_error(x, y),
        "mean_absolute_error": F.mean_absolute_error(x, y),
        "sum_squared_error": F.mean(F.sum((x - y) ** 2, axis=1)),
    }  # fmt: skip
    return {name: np.asarray(value.data) for name, value in found.items()}


def chainers(folder):
    """Run in Chainer's interpreter."""
    import chainer
    import chainer.functions as F
    from chainer import serializers

    names = {"__name__": "listing"}
    exec(compile(LISTING.read_text(), "listing.txt", "exec"), names)
    model = names["VAE"](*SIZES, F.tanh)
    serializers.load_npz(str(folder / "nelbo.npz"), model)
    data = np.load(folder / "data.npz")
    found = outputs(model, F, chainer.Variable, data["x"], data["eps"])
    np.savez(folder / "outputs.npz", **found)
    serializers.save_npz(str(folder / "chainer.npz"), model)


def main(python):
    import torch

    import nelbo.interop.chainer as chainer
    import nelbo.interop.chainer.functions as F

    rng = np.random.default_rng(0)
    x = rng.random((32, SIZES[0]), dtype="float32")
    eps = rng.standard_normal((32, SIZES[1])).astype("float32")
    torch.manual_seed(0)
    model, back = chainer.VAE(*SIZES, F.tanh), chainer.VAE(*SIZES, F.tanh)
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):  # zeros would hide a bias gone astray
            torch.nn.init.normal_(parameter, std=0.1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        np.savez(folder / "data.npz", x=x, eps=eps)
        chainer.save_npz(folder / "nelbo.npz", model)
        subprocess.run([python, "-W", "ignore", __file__, "--chainer", name], check=True)
        chainer.load_npz(folder / "chainer.npz", back)
        theirs = dict(np.load(folder / "outputs.npz"))
    assert all(
        torch.equal(a, b) for a, b in zip(model.parameters(), back.parameters(), strict=True)
    )
    print("weights after nelbo -> Chainer -> nelbo: equal, bit for bit")
    with torch.no_grad():
        ours = outputs(model, F, chainer.Variable, x, eps)
    scaled = {
        key: np.abs(ours[key] - theirs[key]).max() / np.abs(theirs[key]).max() for key in ours
    }
    for key, value in scaled.items():
        print(f"{key:20s} {value:.1e} of the largest value, {np.abs(theirs[key]).max():.6g}")
    print(f"maximum difference: {max(scaled.values()):.1e}, relative to the largest value")


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] == "--chainer":
        chainers(Path(sys.argv[2]))
    elif len(sys.argv) == 2:
        main(sys.argv[1])
    else:
        sys.exit(__doc__)
