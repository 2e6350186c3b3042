"""Does what the decoder puts out come through the latents?"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from nelbo.doctor.diagnose.adapt import Adapter
from nelbo.doctor.diagnose.case import SILENT, Case
from nelbo.doctor.finding import Finding
from nelbo.rng import seeded

BATCH = 200
PROBES = 8  # features that are changed one by one, those that vary most
# Of the data's deviation: outputs that move by less are said not to move.
STILL = 0.01
# How much more of the data's variance the full pass must explain than decode does: a second draw
# of the same latents differs by far less.
MORE = 0.2
# Of a decoder that predicts every feature from others: what z must add to the variance explained,
# or to what z says in nats, for it to count as used. One bit is the least that tells two kinds of
# examples from each other.
WORTH = 0.02
FEW = 0.7


def bypass(case: Case) -> Iterator[Finding]:
    """Find decoders that see the input itself, and those that do without their latents."""
    if case.adapter is not None:
        x = case.x[:BATCH]
        for look in (_handed, _remembers, _full_pass):
            found = next(look(case, case.adapter, x), None)
            if found is not None:
                yield found
                return
    yield from _deaf(case)


def _handed(case: Case, adapter: Adapter, x: Tensor) -> Iterator[Finding]:
    """Judge decode(z, x) by what moves when z, or one feature of x, is another example's."""
    if not adapter.decodes_x:
        return
    mu = adapter.encode(x).mean

    def decoded(x_seen: Tensor, z: Tensor = mu) -> Tensor:
        return adapter.decode(z[None], x_seen).mean[0].flatten(1)

    base = decoded(x)
    again = _moved(decoded(x), base, x)
    swapped = decoded(x, mu.roll(1, 0))
    leak, by_z = _leak(decoded, x, base), _moved(swapped, base, x)
    worth = _explained(x, base) - _explained(x, swapped)
    said = case.value("mutual_information")
    evidence = {
        "output moved by its own input feature": leak,
        "outputs moved by another example's z": by_z,
        "variance explained by its own z": worth,
        "mutual information of x and z, nats": said,
    }
    if leak > STILL + 2 * again:
        yield _sees(evidence)
    elif by_z <= STILL + 2 * again or (worth < WORTH and said < FEW):
        yield _ignores(evidence)


def _remembers(case: Case, adapter: Adapter, x: Tensor) -> Iterator[Finding]:
    """Judge decode(z) by whether it depends on what was encoded before."""
    if adapter.decodes_x:
        return
    mu = adapter.encode(x).mean

    def decoded(encoded: Tensor) -> Tensor:
        adapter.encode(encoded)
        return adapter.decode(mu[None]).mean[0].flatten(1)

    base = decoded(x)
    again, moved = _moved(decoded(x), base, x), _moved(decoded(x.roll(1, 0)), base, x)
    if moved > STILL + 2 * again:
        yield _sees({"outputs moved by encoding another x at the same z": moved})


def _full_pass(case: Case, adapter: Adapter, x: Tensor) -> Iterator[Finding]:
    """Judge forward(x) against decode(mu)."""
    if adapter.forward is None or adapter.decodes_x:
        return
    full = adapter.forward

    def passed(given: Tensor) -> Tensor:
        with seeded(0):  # the same latents' noise each time
            recon = full(given)
        while isinstance(recon, tuple):  # (recon, mu, logvar), ((mean, logvar), mu, logvar)
            recon = recon[0]
        recon = torch.sigmoid(recon) if adapter.output == "logits" else recon
        return recon.reshape(len(given), -1)

    # at the posterior's means, where decode explains most: forward may draw, or take them too
    through = _explained(x, adapter.decode(adapter.encode(x).mean[None]).mean[0].flatten(1))
    base = passed(x)
    whole = _explained(x, base)
    evidence = {"variance explained by forward": whole, "by decode of mu": through}
    if whole - through <= MORE:
        return
    # where latents carry nothing, what follows an output's own input feature is no prediction
    if case.value("mutual_information") < SILENT and _leak(passed, x, base) <= STILL:
        yield _ignores(evidence)
    else:
        yield _sees(evidence)


def _deaf(case: Case) -> Iterator[Finding]:
    """Find latents that say something to a decoder that does not listen."""
    if case.value("mutual_information") >= SILENT and case.response < STILL:
        yield _ignores(
            {
                "mutual information of x and z, nats": case.value("mutual_information"),
                "deviation of the outputs, of the data's": case.response,
                "decoder sensitivity": case.value("decoder_sensitivity"),
            }
        )


def _leak(decoded: Callable[[Tensor], Tensor], x: Tensor, base: Tensor) -> float:
    """Return how far an output moves when its own input feature is another example's."""
    flat = x.flatten(1)
    probed = flat.std(0).topk(min(PROBES, flat.shape[1])).indices
    moved = []
    for feature in probed.tolist():
        changed = flat.clone()
        changed[:, feature] = flat[:, feature].roll(1, 0)
        difference = (decoded(changed.reshape(x.shape)) - base)[:, feature]
        moved.append(difference.abs().mean() / flat[:, feature].std().clamp_min(1e-12))
    return float(torch.stack(moved).max())


def _moved(a: Tensor, b: Tensor, x: Tensor) -> float:
    return float((a - b).abs().mean() / x.flatten(1).std(0).mean().clamp_min(1e-12))


def _explained(x: Tensor, recon: Tensor) -> float:
    flat = x.flatten(1)
    total = ((flat - flat.mean(0)) ** 2).sum().clamp_min(1e-30)
    return float(1 - ((flat - recon) ** 2).sum() / total)


def _sees(evidence: dict[str, float]) -> Finding:
    return Finding(
        "decoder_sees_x",
        "error",
        "The decoder sees the input itself, past the latents: it copies x, and nothing has to be "
        "said through z.",
        evidence,
        "Feed the decoder with z alone: no skip connection, no x, no features of the encoder.",
    )


def _ignores(evidence: dict[str, float]) -> Finding:
    return Finding(
        "ignores_latents",
        "error",
        "The decoder does not listen to its latents: the outputs stay the same whatever z is.",
        evidence,
        "Weaken the decoder (drop a part of the inputs it is handed, a smaller receptive field) "
        "so that it needs z, and feed z to every layer.",
    )
