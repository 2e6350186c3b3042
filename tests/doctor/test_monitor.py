"""What a monitor says of training loops, sick and healthy, and that it says it once."""

import math
import warnings

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from nelbo.doctor.monitor import Monitor
from nelbo.errors import BadType, BadValue, NelboWarning
from nelbo.rng import seeded


def data(n=1000):
    """Binary images of 64 pixels that two causes explain: the largest eigenvalue is about 3."""
    draw = torch.Generator().manual_seed(0)
    z = torch.randn(n, 2, generator=draw)
    return (torch.sigmoid(2 * z @ torch.randn(2, 64, generator=draw)) > 0.5).float()


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(64, 32), nn.Tanh(), nn.Linear(32, 8))
        self.decoder = nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 64))

    def forward(self, x):
        mu, logvar = self.encoder(x).chunk(2, dim=1)
        z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
        return self.decoder(z), mu, logvar


def bce(x, recon):
    return F.binary_cross_entropy_with_logits(recon, x, reduction="none").sum(1).mean()


def sse(x, recon):
    return ((recon - x) ** 2).sum(1).mean()


def mse(x, recon):
    return F.mse_loss(recon, x)


def train(error, *, beta=lambda step: 1.0, steps=500, lr=3e-3, x=None, monitor=None, full=True):
    """Train as people do, with a monitor in the loop, and return it."""
    x = data() if x is None else x
    said = []
    monitor = monitor or Monitor(warn=said.append)
    with seeded(0):
        net = Net()
        optimizer = torch.optim.Adam(net.parameters(), lr=lr)
        for step in range(steps):
            batch = x[torch.randint(len(x), (50,))]
            recon, mu, logvar = net(batch)
            term = error(batch, recon)
            kl = -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum(1).mean()
            loss = term + beta(step) * kl
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            tensors = (batch, mu, logvar, recon) if full else ()
            terms = {"reconstruction": term, "kl": kl, "loss": loss, "beta": beta(step)}
            monitor.step(*tensors, **terms)
    assert len(said) == len({finding.code for finding in said})
    return monitor


def codes(monitor):
    return [finding.code for finding in monitor.findings]


@pytest.mark.parametrize("error", [bce, sse])
@pytest.mark.parametrize("full", [True, False])
def test_healthy_loops_are_left_in_peace(error, full):
    assert codes(train(error, full=full)) == []


def test_a_slow_start_is_left_in_peace():
    """The first 200 steps hardly use the latents, but use them more and more."""
    assert codes(train(sse, lr=3e-4, steps=400)) == []


def test_an_averaged_error_is_named_early():
    monitor = train(mse)
    assert codes(monitor) == ["pixels_averaged"]
    (finding,) = monitor.findings
    assert "noise of variance 32" in finding.cause
    assert finding.evidence["step"] <= 300


def test_a_collapse_of_unknown_cause():
    assert codes(train(bce, beta=lambda step: 500.0)) == ["collapsed"]
    assert codes(train(mse, full=False)) == ["collapsed"]


def test_a_warm_up_that_has_not_ended():
    monitor = train(bce, beta=lambda step: min(1.0, step / 10_000))
    assert codes(monitor) == ["warmup_unfinished"]
    (finding,) = monitor.findings
    assert finding.evidence["steps until beta = 1"] == pytest.approx(10_000, rel=0.01)


def test_with_the_steps_known_it_is_said_in_the_beginning():
    said = []
    monitor = Monitor(warn=said.append, steps=500)
    for step in range(40):
        monitor.step(beta=step / 10_000)
    assert [finding.code for finding in said] == ["warmup_unfinished"]
    in_time = Monitor(warn=said.append, steps=500)
    for step in range(500):
        in_time.step(beta=min(1.0, step / 250))
    assert len(said) == 1
    assert in_time.findings == ()


@pytest.mark.parametrize(
    "beta",
    [
        lambda step: 0.1,
        lambda step: min(1.0, step / 100),
        lambda step: (step % 100) / 100,
        lambda step: max(0.2, 0.5 - step / 1000),
    ],
)
def test_weights_that_are_no_endless_warm_up(beta):
    monitor = Monitor()
    for step in range(250):
        monitor.step(beta=beta(step))
    assert monitor.findings == ()


@pytest.mark.parametrize("name", ["x", "mu", "logvar", "recon"])
@pytest.mark.parametrize("numpy", [False, True])
def test_the_first_tensor_and_batch_that_are_not_finite(name, numpy):
    said = []
    monitor = Monitor(every=1, warn=said.append)
    for step in range(5):
        arrays = {k: torch.zeros(6, 2) for k in ("x", "mu", "logvar", "recon")}
        if step >= 3:
            for later in list(arrays)[list(arrays).index(name) :]:
                arrays[later][4, 0] = math.nan
        if numpy:
            arrays = {k: v.numpy() for k, v in arrays.items()}
        monitor.step(**arrays)
    (finding,) = said
    assert finding.code == "not_finite"
    assert (finding.evidence["batch"], finding.evidence["tensor"]) == (3, name)
    assert "for example 4 of the batch" in finding.cause


def test_a_loss_that_is_not_finite_is_seen_between_looks():
    said = []
    monitor = Monitor(every=100, warn=said.append)
    for step in range(10):
        monitor.step(
            reconstruction=1.0,
            kl=math.inf if step == 7 else 1.0,
            loss=math.inf * (step == 7) if step == 7 else 1.0,
        )
    (finding,) = said
    assert (finding.evidence["batch"], finding.evidence["tensor"]) == (7, "the KL")


def test_bytes_that_outputs_in_the_unit_interval_never_reach():
    def squashed(x, recon):
        return F.binary_cross_entropy_with_logits(recon, x / 255, reduction="none").sum(1).mean()

    said, x = [], data() * 255
    monitor = Monitor(every=1, warn=said.append)
    for batch in x.split(50):
        recon = torch.rand(len(batch), 64)
        monitor.step(batch, torch.randn(len(batch), 4), torch.zeros(len(batch), 4), recon)
    assert [finding.code for finding in said] == ["range_mismatch"]
    healthy = Monitor(every=1, warn=said.append)
    for batch in x.split(50):
        recon = torch.rand(len(batch), 64)
        healthy.step(batch / 255, torch.randn(len(batch), 4), torch.zeros(len(batch), 4), recon)
    assert len(said) == 1


def test_a_decoder_that_does_not_listen():
    said = []
    monitor = Monitor(every=1, warn=said.append)
    for _ in range(300):
        x, mu = torch.rand(20, 8), torch.randn(20, 3)
        monitor.step(x, mu, torch.full((20, 3), -3.0), torch.full((20, 8), 0.5))
    assert [finding.code for finding in said] == ["ignores_latents"]


def test_a_kl_that_explodes():
    said = []
    monitor = Monitor(every=1, warn=said.append)
    for step in range(30):
        monitor.step(kl=100 * 2.0**step)
    assert [finding.code for finding in said] == ["kl_explodes"]
    falling = Monitor(every=1, warn=said.append)
    for step in range(30):
        falling.step(kl=1e8 / 2.0**step)
    assert len(said) == 1


def test_by_default_it_warns_and_a_decoder_in_the_users_graph_is_untouched():
    x = torch.rand(4, 3)
    recon = torch.full((4, 3), math.nan, requires_grad=True)
    with pytest.warns(NelboWarning, match=r"Batch 0, counted from 0, is the first"):
        Monitor().step(x, recon=recon)
    assert recon.grad is None


def test_what_it_keeps_does_not_grow():
    monitor = Monitor(every=1)
    for _ in range(1000):
        monitor.step(
            torch.rand(5, 2), torch.randn(5, 2), torch.zeros(5, 2), torch.rand(5, 2), beta=1.0
        )
    assert len(monitor._looks) == 10
    assert len(monitor._betas) == 20


def test_numpy_is_told_the_same_as_torch():
    draw = np.random.default_rng(0)
    ours, theirs = [], []
    monitors = Monitor(every=1, warn=ours.append), Monitor(every=1, warn=theirs.append)
    for _ in range(300):
        x, mu = draw.random((20, 8), np.float32), draw.normal(size=(20, 3)).astype(np.float32)
        arrays = (x, 1e-3 * mu, 0 * mu, np.full_like(x, 0.5))
        monitors[0].step(*map(torch.from_numpy, arrays))
        monitors[1].step(*arrays)
    assert [f.code for f in ours] == ["collapsed"]
    assert [f.code for f in theirs] == ["collapsed"]


@pytest.mark.parametrize(
    ("arguments", "kind", "said"),
    [
        ({"every": 0}, BadValue, "every: expected an integer of at least 1, got 0"),
        ({"steps": 0}, BadValue, "steps: expected an integer of at least 1"),
        ({"warn": "loudly"}, BadType, "warn: expected a function of a Finding"),
    ],
)
def test_refusals(unchecked, arguments, kind, said):
    with pytest.raises(kind, match=said):
        Monitor(**arguments)


@pytest.mark.parametrize("shape", [(), (6,), (6, 2, 3)])
def test_arrays_of_other_shapes_break_no_loop(shape):
    monitor = Monitor(every=1)
    for _ in range(3):
        monitor.step(*(torch.ones(shape) for _ in range(4)))
    assert monitor.findings == ()


def test_a_single_feature_is_not_averaged_over():
    said = []
    monitor = Monitor(every=1, warn=said.append)
    for _ in range(300):
        x, nothing = torch.randn(50, 1), torch.zeros(50, 2)
        monitor.step(x, nothing, nothing, 0 * x - 0.1, reconstruction=(x**2).mean())
    assert [finding.code for finding in said] == ["collapsed"]


def test_nothing_given_is_nothing_said():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        monitor = Monitor()
        for _ in range(300):
            monitor.step()
    assert monitor.findings == ()


@pytest.mark.parametrize(
    ("arguments", "error"),
    [(("a",), BadType), ((torch.zeros(3, 4), torch.zeros(2, 5)), BadValue)],
)
def test_what_is_no_batch_is_refused(arguments, error):
    with pytest.raises(error):
        Monitor(warn=print).step(*arguments)
