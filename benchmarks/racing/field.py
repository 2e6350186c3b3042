"""Who takes part in the race, and with which interpreters."""

from __future__ import annotations

from dataclasses import dataclass

from child import Absent, Child
from common import JOB
from environments import ENVIRONMENTS

SEED = 0


@dataclass(frozen=True)
class Contestant:
    script: str
    environment: str
    variant: str = "fp32"


CONTESTANTS = {
    "nelbo": Contestant("nelbo_fit", "here", "fp32-compiled"),
    "nelbo-bf16": Contestant("nelbo_fit", "here", "bf16-compiled"),
    "nelbo-started": Contestant("nelbo_fit", "here", "bf16-compiled-started"),
    "nelbo-eager": Contestant("nelbo_fit", "here", "fp32-eager"),
    "nelbo-watched": Contestant("nelbo_fit", "here", "fp32-watched"),
    "torch": Contestant("plain_torch", "here"),
    "torch-compiled": Contestant("plain_torch", "here", "fp32-compiled"),
    "torch-compiled-bf16": Contestant("plain_torch", "here", "bf16-compiled"),
    "torch-tutorial": Contestant("tutorial_torch", "here"),
    "pythae": Contestant("pythae_trainer", "peers"),
    "chainer": Contestant("chainer_updater", "chainer"),
    "jax": Contestant("jax_loop", "jax"),
    "jax-bf16": Contestant("jax_loop", "jax", "bf16"),
    "limit-torch-fp32": Contestant("limits_torch", "here"),
    "limit-torch-bf16": Contestant("limits_torch", "here", "bf16"),
    "limit-jax-fp32": Contestant("limits_jax", "jax"),
    "limit-jax-bf16": Contestant("limits_jax", "jax", "bf16"),
}


class Field:
    """Who takes part, and with which interpreters."""

    def __init__(self, names, pythons):
        self.names, self.pythons = names, dict(pythons)

    def start(self, name, job):
        """Return a contestant, set up and past its first step; its environment may be made first.

        Raises:
            Absent: it cannot take part.
        """
        who = CONTESTANTS[name]
        if who.environment not in self.pythons:
            try:
                self.pythons[who.environment] = ENVIRONMENTS[who.environment]()
            except Exception as error:  # whatever keeps an environment from being made
                raise Absent(f"no environment: {error!r}"[:300]) from error
        python = self.pythons[who.environment]
        return Child(python, who.script, {**JOB, **job, "variant": who.variant, "seed": SEED})

    def start_all(self, names, job):
        """Return the contestants that can take part, and why the others cannot."""
        started, absent = {}, {}
        for name in names:
            try:
                started[name] = self.start(name, job)
                print(f"{name}: ready after {started[name].ready:.1f} s", flush=True)
            except Absent as reason:
                absent[name] = str(reason)
                print(f"{name}: absent: {reason}", flush=True)
        return started, absent
