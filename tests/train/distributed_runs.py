"""What each of several processes does: started by torchrun, writes what it saw as JSON."""

import hashlib
import json
import sys
from pathlib import Path

import torch

import nelbo
from nelbo.data import Examples, Part
from nelbo.data.part import WHOLE
from nelbo.evaluate import ELBO, ActiveUnits, ImportanceBound, KLPerLatent, OutputDependence
from nelbo.objectives import ELBO as Objective
from nelbo.rng import seeded
from nelbo.train.distributed import together
from nelbo.train.step import Step
from nelbo.world import joined, leave

SHAPE, LATENT = (1, 2, 3), 2
ESTIMATORS = [
    ELBO(batch=4), ImportanceBound(samples=3, batch=4), KLPerLatent(), ActiveUnits(),
    OutputDependence(),
]  # fmt: skip


class Quiet(nelbo.VAE):
    """A VAE whose noise is a function of the example: the same in whichever process it is."""

    def terms(self, x, samples=1):
        q = self.encode(x)
        phase = 1e3 * x.flatten(1).sum(1)[:, None] + torch.arange(LATENT)
        draws = torch.arange(samples)[:, None, None]
        z = q.mean + q.stddev * torch.sin(phase + draws)
        return nelbo.terms.Terms(x, z, self.decode(z), q, self.prior())


class Seen(Examples):
    """Examples that remember which of them were drawn in training."""

    def epoch(self, batch, order=None, skip=0, part=WHOLE):
        self.drawn = [] if order is not None else None
        return super().epoch(batch, order, skip, part)

    def at(self, index):
        if getattr(self, "drawn", None) is not None:
            self.drawn.append(index.tolist())
        return super().at(index)


def make(kind=Quiet):
    """Return a small model, the same in every process."""
    with seeded(0):
        likelihood = nelbo.likelihoods.Gaussian(variance=0.5)
        network = nelbo.networks.MLP(hidden=(4,))
        model = kind(SHAPE, LATENT, network=network, likelihood=likelihood)
        model.idle = torch.nn.Linear(1, 1)  # which no loss depends on
        return model


def data(n):
    """Return n examples."""
    with seeded(7):
        return torch.rand(n, *SHAPE)


def batches():
    """Return batches of a size that nobody asked for, the second too small for two."""
    return list(data(12).split([7, 1, 4]))


def fit(model, x, **arguments):
    """Train in batches of ten that do not fit the number of examples."""
    settings = {"valid": data(40)[31:], "batch": 10, "epochs": 3, "lr": 0.01, "clip": 10.0}
    return nelbo.fit(model, x, **{**settings, "callbacks": [], **arguments})


def gradients(world, kind):
    """Return how far the gradients of several lie from those of one, for batches of any size."""
    found = {}
    for n in (10, 3, 1):
        one, several, x = make(), make(), data(n)
        step = kind(several, world)
        mine = Part(world.rank, world.size).take(x)
        step.prepare(mine, Objective())
        got, expected = step(mine, Objective()), Step(one, torch.float32)(x, Objective())
        theirs = _gradient(step.model)
        apart = (theirs - _gradient(one)).norm() / _gradient(one).norm()
        sums = torch.tensor(world.add(got.sums.tolist()))
        found[n] = {
            "gradient": apart.item(),
            "loss": abs(got.loss - expected.loss).item() / abs(expected.loss).item(),
            "sums": ((sums - expected.sums).abs() / expected.sums.abs()).max().item(),
        }
    return found


def plain(model, world):
    """Return a step of several processes that each hold all weights, or parts, as launched."""
    return together(model, torch.float32, world, nelbo.train.adam.Adam(model.parameters(), 1e-3))


def _gradient(model):
    flat = []
    for name, p in sorted(model.named_parameters()):
        if "idle" not in name:
            grad = p.grad.full_tensor() if hasattr(p.grad, "full_tensor") else p.grad
            flat.append(grad.flatten())
    return torch.cat(flat)


def digest(model):
    """Return a digest of a model's weights."""
    values = [t.numpy().tobytes() for t in model.state_dict().values()]
    return hashlib.sha256(b"".join(values)).hexdigest()


def watch_writes(folder):
    """Return a list that grows with every file or folder that this process makes below one."""
    seen = []

    def hook(event, arguments):
        made = event in ("os.mkdir", "os.rename", "os.remove")
        if event == "open":
            made = isinstance(arguments[1], str) and set(arguments[1]) & set("wxa+")
        if made and str(folder) in str(arguments[0]):
            seen.append(f"{event} {arguments[0]}")

    sys.addaudithook(hook)
    return seen


def main(out):
    """Do everything that can be done in one launch."""
    world, here = joined(torch.device("cpu")), Path(out)
    writes, found = watch_writes(here), {"rank": world.rank, "size": world.size}
    found["gradients"] = gradients(world, plain)
    for n in (23, 21):
        seen = Seen(data(n))
        fit(make(), seen, epochs=1)
        found[f"drawn of {n}"] = seen.drawn
    irregular = fit(make(), batches(), valid=None).model
    found["irregular"] = {n: t.tolist() for n, t in irregular.state_dict().items()}
    model = make()
    run = fit(model, data(23), out=here / "whole")
    found["history"], found["weights"] = run.history, digest(model)
    found["tensors"] = {n: t.tolist() for n, t in model.state_dict().items()}
    fit(make(nelbo.VAE), data(23), out=here / "parts", epochs=2)
    resumed = fit(make(nelbo.VAE), data(23), out=here / "parts", epochs=4, resume=True)
    found["resumed"] = digest(resumed.model)
    found["uninterrupted"] = digest(fit(make(nelbo.VAE), data(23), epochs=4).model)
    stopped = fit(make(nelbo.VAE), data(23), lr=3.0, clip=None, epochs=30, patience=2)
    found["stopped"], found["best"] = len(stopped.history), digest(stopped.model)
    critic = nelbo.objectives.AdversarialAE(hidden=(4,))
    judged = fit(make(nelbo.VAE), data(23), objective=critic)
    found["judged"] = [digest(judged.model), digest(critic)]
    critic.setup(SHAPE, LATENT)
    found["unjudged"] = digest(critic)
    found["estimates"] = estimates(model, world)
    found["refused"] = refused(here)
    found["writes"] = writes
    (here / f"rank{world.rank}.json").write_text(json.dumps(found))
    leave()


def estimates(model, world):
    """Return what is measured by all processes together."""
    found = nelbo.evaluate(model, data(23), ESTIMATORS, world=world)
    few = nelbo.evaluate(model, data(1), [ELBO()], world=world)
    values = {name: [e.value, e.standard_error, e.examples, *e.parts] for name, e in found.items()}
    return {**values, "one": few["elbo"].value}


def refused(here):
    """Return what every process is told where the folder of rank 0 is taken."""
    try:
        fit(make(), data(23), out=here / "whole")
    except ValueError as error:
        return str(error)


def sharded(out):
    """Train with every parameter in parts."""
    world, here = joined(torch.device("cpu")), Path(out)
    found = {"gradients": gradients(world, plain), "kind": type(plain(make(), world)).__name__}
    model = make()
    run = fit(model, data(21), out=here / "sharded", epochs=2)
    run = fit(make(), data(21), out=here / "sharded", epochs=3, resume=True)
    found["history"] = run.history
    found["tensors"] = {n: t.tolist() for n, t in run.model.state_dict().items()}
    (here / f"sharded{world.rank}.json").write_text(json.dumps(found))
    leave()


if __name__ == "__main__":
    {"main": main, "sharded": sharded}[sys.argv[1]](sys.argv[2])
