"""`Monitor`: the cheap part of the diagnosis, inside any training loop."""

from __future__ import annotations

import inspect
import warnings
from collections import deque
from collections.abc import Callable
from typing import Any

from nelbo.doctor.finding import Finding, ranked
from nelbo.doctor.vitals import SILENT, Look, first_broken, look, number
from nelbo.errors import BadType, BadValue, NelboWarning

# Looks that must agree before anything is said: at every tenth step these are 100 steps.
WINDOW = 10
# Steps before a collapse is called one: a healthy run may begin with the latents unused.
START = 200
# Escape from latents that say nothing is exponential: a KL that grows by more than this from one
# half of the window to the other is left alone.
GROWTH = 1.1
# A decoder whose outputs move by less than this, at a KL that says otherwise, does not listen.
STILL, LOUD = 0.01, 0.5
# Share of the data that outputs in [0, 1] cannot reach; below it, outliers.
SHARE = 0.01
# Nats per example that no healthy run reaches while it rises.
EXPLODED = 1e4
# A warm-up counts as ended within a twentieth of 1.
ARRIVED = 0.95


def _warn(finding: Finding) -> None:
    level, frame = 1, inspect.currentframe()
    while frame is not None and frame.f_code.co_filename == __file__:
        level, frame = level + 1, frame.f_back
    warnings.warn(NelboWarning(f"{finding.cause} {finding.fix}"), stacklevel=level)


def _check(**arrays: Any) -> None:
    """Refuse what is no array, and arrays of other numbers of examples."""
    lengths: dict[str, int] = {}
    for name, value in arrays.items():
        first = value[0] if isinstance(value, tuple | list) and value else value
        shape = getattr(first, "shape", None)
        if value is not None and shape is None:
            fix = "The order is monitor.step(x, mu, logvar, recon)."
            raise BadType(name, expected="an array", got=f"{value!r:.60}", fix=fix)
        if shape is not None and len(shape) > 0:
            lengths[name] = int(shape[0])
    if len(set(lengths.values())) > 1:
        fix = "Pass the arrays of one batch: monitor.step(x, mu, logvar, recon)."
        raise BadValue("batch", expected="as many examples in each", got=lengths, fix=fix)


class Monitor:
    """Watches a training loop and speaks up once for each cause, early, with an action.

    Give `step` what the loop has; what is missing is not watched. Nothing of the data is kept but
    some numbers of the last ten looks, and gradients are not touched.

    Args:
        every: look at every so many steps; in between, the loss alone is looked at where that
            costs nothing. A look at a batch of 100 MNIST images takes about 0.7 ms on one core, a
            step without one 0.01 ms.
        warn: is called with each `Finding`; by default it becomes a Python warning.
        steps: how many steps the run will have, if known: an endless warm-up is then found at once.

    Raises:
        TypeError: `warn` is no function.
        ValueError: `every` or `steps` is no integer of at least 1.

    Example:
        >>> import torch
        >>> monitor = Monitor(warn=print)
        >>> x, z = torch.rand(1, 4), torch.zeros(1, 2)
        >>> monitor.step(x, z, z, torch.full((1, 4), float("nan")))
        error: Batch 0, counted from 0, is the first that is not finite: recon is nan for ...
        >>> [found.code for found in monitor.findings]
        ['not_finite']
    """

    def __init__(
        self,
        every: int = 10,
        warn: Callable[[Finding], object] | None = None,
        steps: int | None = None,
    ) -> None:
        for name, value in (("every", every), ("steps", steps)):
            whole = isinstance(value, int) and not isinstance(value, bool)
            if value is not None and not (whole and value >= 1):
                raise BadValue(name, expected="an integer of at least 1", got=value, fix="Try 10.")
        if warn is not None and not callable(warn):
            fix = "For example warn=print."
            raise BadType("warn", expected="a function of a Finding", got=f"{warn!r}", fix=fix)
        self.every, self.warn, self.steps = every, warn or _warn, steps
        self.done = 0
        self._said: dict[str, Finding] = {}
        self._looks: deque[Look] = deque(maxlen=WINDOW)
        self._betas: deque[float] = deque(maxlen=2 * WINDOW)
        self._first_beta = self._largest_beta = float("-inf")
        self._range = (float("inf"), float("-inf"))

    @property
    def due(self) -> bool:
        """Whether the next step will be looked at."""
        return self.done % self.every == 0

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All that was said, by severity; and a warm-up that has not ended by now."""
        said = dict(self._said)
        if "warmup_unfinished" not in said and self._rising():
            said["warmup_unfinished"] = self._unfinished()
        return ranked(said.values())

    def step(
        self,
        x: Any = None,
        mu: Any = None,
        logvar: Any = None,
        recon: Any = None,
        *,
        loss: Any = None,
        reconstruction: Any = None,
        kl: Any = None,
        beta: float | None = None,
    ) -> None:
        """Take note of a step.

        Args:
            x: the batch, [batch, ...], torch or NumPy.
            mu: mean of q(z|x), [batch, latent].
            logvar: logarithm of its variance, likewise.
            recon: what was reconstructed, in the shape of x.
            loss: what is minimised, a scalar.
            reconstruction: the loss's reconstruction term.
            kl: the loss's KL.
            beta: weight of the KL at this step.

        Raises:
            TypeError: not an array.
            ValueError: arrays of other numbers of examples.
        """
        _check(x=x, mu=mu, logvar=logvar, recon=recon)
        arrays = {"x": x, "mu": mu, "logvar": logvar, "recon": recon}
        terms = {"the reconstruction term": reconstruction, "the KL": kl, "the loss": loss}
        if beta is not None:
            self._note_beta(float(beta))
        free = number(loss) if self._costs_nothing(loss) else 0.0
        if self.due or free != free or abs(free) == float("inf"):
            self._look({**arrays, **terms}, beta)
        self.done += 1

    def _costs_nothing(self, loss: Any) -> bool:
        """Return whether a loss can be looked at without waiting for an accelerator."""
        return loss is not None and getattr(getattr(loss, "device", None), "type", "cpu") == "cpu"

    def _look(self, given: dict[str, Any], beta: float | None) -> None:
        if "not_finite" in self._said:
            return
        broken = first_broken(given)
        if broken is not None:
            cause = (
                f"Batch {self.done}, counted from 0, is the first that is not finite: "
                f"{broken.tensor} is {broken.value}{broken.where}."
            )
            evidence = {"batch": self.done, "tensor": broken.tensor, "share": broken.share}
            self._say(Finding("not_finite", "error", cause, evidence, broken.fix))
            return
        found = look(given, beta)
        self._looks.append(found)
        low, high = self._range
        self._range = (min(low, found.lowest_output), max(high, found.highest_output))
        for check in (self._collapsed, self._deaf, self._out_of_range, self._exploded):
            check(found)

    def _say(self, finding: Finding) -> None:
        if finding.code not in self._said:
            self._said[finding.code] = finding
            self.warn(finding)

    def _settled(self) -> bool:
        """Return whether there were enough steps, and no warm-up is under way."""
        full = len(self._looks) == WINDOW and self.done >= START
        return full and not self._rising()

    def _collapsed(self, now: Look) -> None:
        silent = all(one.kl < SILENT for one in self._looks)
        if not (self._settled() and silent):
            return
        kls = [one.kl for one in self._looks]
        if sum(kls[WINDOW // 2 :]) > GROWTH * sum(kls[: WINDOW // 2]):
            return
        evidence = {"KL, nats per example": now.kl, "step": self.done}
        if now.averaged:
            self._say(
                Finding(
                    "pixels_averaged",
                    "error",
                    f"The posterior has collapsed, for the reconstruction is averaged over the "
                    f"{now.features} features while the KL is not: as a squared error it believes "
                    f"in noise of variance {now.features / 2:g}.",
                    evidence,
                    "Sum over the features, then average over the batch: .flatten(1).sum(1).mean()",
                )
            )
            return
        self._say(
            Finding(
                "collapsed",
                "error",
                "The posterior has collapsed: the latents say nothing about the input.",
                evidence,
                "Take beta = 1 and a likelihood that the data is worth (nelbo.forecast tells); in "
                "a loss of your own, sum over the features (nelbo.audit tells).",
            )
        )

    def _deaf(self, now: Look) -> None:
        still = all(one.response < STILL and one.kl > LOUD for one in self._looks)
        if self._settled() and still:
            evidence = {"KL, nats per example": now.kl, "deviation of the outputs": now.response}
            self._say(
                Finding(
                    "ignores_latents",
                    "error",
                    "The outputs are the same for every input, although the latents differ: the "
                    "decoder does not listen to them.",
                    evidence,
                    "Look for dead or saturated units in the decoder: nelbo.diagnose names them.",
                )
            )

    def _out_of_range(self, now: Look) -> None:
        low, high = self._range
        bounded = len(self._looks) >= WINDOW // 2 and low >= 0 and high <= 1
        if bounded and all(one.beyond_unit > SHARE for one in self._looks):
            self._say(
                Finding(
                    "range_mismatch",
                    "error",
                    f"The outputs stay in [0, 1], but {now.beyond_unit:.0%} of the data's values "
                    "lie outside.",
                    {"smallest output": low, "largest output": high},
                    "Scale the data to [0, 1] (bytes: x / 255), or end without a sigmoid.",
                )
            )

    def _exploded(self, now: Look) -> None:
        if len(self._looks) == WINDOW and now.kl > EXPLODED and now.kl > 2 * self._looks[0].kl:
            self._say(
                Finding(
                    "kl_explodes",
                    "error",
                    f"The KL is {now.kl:.3g} nats per example and still doubles: it will overflow.",
                    {"KL, nats per example": now.kl, "step": self.done},
                    "Lower the learning rate (a tenth), or clip the gradient at 100.",
                )
            )

    def _note_beta(self, beta: float) -> None:
        if not self._betas:
            self._first_beta = beta
        self._betas.append(beta)
        self._largest_beta = max(self._largest_beta, beta)
        if self.steps is None or self.done < WINDOW or not self._rising():
            return
        expected = self._first_beta + self._rate() * self.steps
        middle = self._first_beta + self._rate() * self.done / 2
        # a warm-up that is no straight line would be judged wrongly from its beginning
        straight = abs(self._betas[len(self._betas) // 2] - self._line(len(self._betas) // 2))
        if expected < ARRIVED and straight <= 0.01 * max(middle, 1e-12):
            self._say(self._unfinished())

    def _rate(self) -> float:
        """Return by how much beta rises a step."""
        return (self._betas[-1] - self._betas[0]) / max(1, len(self._betas) - 1)

    def _line(self, i: int) -> float:
        return self._betas[0] + self._rate() * i

    def _rising(self) -> bool:
        """Return whether beta is below 1 and has risen of late."""
        betas = self._betas
        return len(betas) > 1 and self._largest_beta < ARRIVED and betas[-1] > betas[0]

    def _unfinished(self) -> Finding:
        beta, rate = self._betas[-1], self._rate()
        needed = self.done + int((1 - beta) / rate)
        return Finding(
            "warmup_unfinished",
            "error",
            f"The warm-up of the KL has not ended: after {self.done} steps beta is {beta:.3g}, and "
            f"at this rate it reaches 1 after {needed} steps. What was trained so far is not the "
            "ELBO.",
            {"beta": beta, "step": self.done, "steps until beta = 1": needed},
            f"Shorten the warm-up to half of the run's steps, or train for {2 * needed}.",
        )
