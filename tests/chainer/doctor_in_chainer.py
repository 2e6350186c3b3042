"""nelbo's doctor on the question's own Chainer code; runs where Chainer 5.0.0 is installed.

    python doctor_in_chainer.py tests/reference/chainer-5.0.0

prints what it found as JSON: for each of the three losses the audits of `get_loss_func()`, with
fresh and with trained weights, and the diagnoses of the trained model, with that function and
without it.
"""

import json
import sys
from pathlib import Path

import chainer
import chainer.functions as F
import numpy as np
from chainer import serializers

import nelbo

SIZES = (784, 20, 200)
ASKED = "rec_loss += F.bernoulli_nll(x, self.decode(z, sigmoid=False)) / (k * batchsize)"
# the one line of the listing that the question changes
LINES = {
    "bernoulli_nll": ASKED,
    "mean_squared_error": "rec_loss += F.mean_squared_error(x, self.decode(z)) / k",
    "sum_squared_error": "rec_loss += F.mean(F.sum((x - self.decode(z)) ** 2, axis=1)) / k",
}
AUDITED = 100
DIAGNOSED = 1000
MEASURED = ("active_units", "mutual_information", "output_deviation", "explained_variance")


def model_with(line, reference):
    """Return the question's VAE, its class written with this line; fresh weights."""
    listing = (reference / "listing.txt").read_text()
    assert listing.count(ASKED) == 1
    names = {"__name__": "listing"}
    exec(compile(listing.replace(ASKED, line), "listing.txt", "exec"), names)
    np.random.seed(0)
    return names["VAE"](*SIZES, F.tanh)


def findings_of(report):
    """Return the findings as JSON takes them."""
    return [vars(found) | {"evidence": dict(found.evidence)} for found in report.findings]


def audit_of(report):
    """Return what the test asks of an audit."""
    return {
        "family": report.reconstruction.family,
        "batch": report.reconstruction.batch,
        "sigma2": report.sigma2,
        "beta": report.beta,
        "ok": report.ok,
        "findings": findings_of(report),
    }


def diagnosis_of(report):
    """Return what the test asks of a diagnosis."""
    return {
        "ok": report.ok,
        "measures": {name: report.measures[name].value for name in MEASURED},
        "findings": findings_of(report),
    }


def examined(name, x, reference):
    """Audit one of the losses on fresh weights, and diagnose the model trained with it."""
    model = model_with(LINES[name], reference)
    step, encode = model.get_loss_func(), model.encode
    if name == "bernoulli_nll":
        decode, output = lambda z: model.decode(z, sigmoid=False), "logits"
    else:
        decode, output = model.decode, "prob"
    fresh = nelbo.audit_step(step, x[:AUDITED], encode=encode, decode=decode, output=output)
    serializers.load_npz(str(reference / f"seed_vae_{name}.npz"), model)
    whole = nelbo.diagnose(nelbo.adapt(encode=encode, decode=decode, output=output, step=step), x)
    alone = nelbo.diagnose(nelbo.adapt(encode=encode, decode=decode, output=output), x)
    return {
        "audits": {"fresh": audit_of(fresh), "trained": audit_of(whole.audit)},
        "diagnoses": {"with its step": diagnosis_of(whole), "networks alone": diagnosis_of(alone)},
    }


def main(reference):
    x = nelbo.data.load("mnist").test[:DIAGNOSED].flatten(1).numpy()
    said = {
        "chainer": chainer.__version__,
        "numpy": np.__version__,
        "nelbo": nelbo.__file__,
        "losses": {name: examined(name, x, reference) for name in LINES},
    }
    print(json.dumps(said))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
