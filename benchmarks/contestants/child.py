"""A contestant, asked from outside: a process in its own environment that waits for commands."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

FOLDER = Path(__file__).parent
THREADS = "2"
VARIABLES = {
    **dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), THREADS),
    "SETUPTOOLS_USE_DISTUTILS": "stdlib",  # for Chainer
    "TERM": "dumb",
}
SETTLE = 0.3  # seconds after a command, in which the threads of its pools fall asleep


class Absent(Exception):
    """A contestant that cannot take part, and why."""


class Child:
    """A contestant under way.

    Args:
        python: its interpreter.
        script: file in this folder, without its ending.
        job: what "setup" is told: network, variant, batch, width, images, seed.
    """

    def __init__(self, python, script, job):
        self.log = tempfile.TemporaryFile("w+")
        self.began = time.perf_counter()
        self.process = subprocess.Popen(
            [python, FOLDER / f"{script}.py"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
            env={**os.environ, **VARIABLES},
        )
        try:
            self.setup = self.ask("setup", **job)
            if "absent" in self.setup:
                raise Absent(self.setup["absent"])
            self.first_step = self.ask("run", steps=1)["seconds"]
        except Absent:
            self.close()
            raise
        self.ready = time.perf_counter() - self.began

    def ask(self, do, **more):
        """Return the answer to a command.

        Raises:
            Absent: there is none.
        """
        try:
            self.process.stdin.write(json.dumps({"do": do, **more}) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # it has said why
        line = self.process.stdout.readline()
        if not line:
            self.log.seek(0)
            said = self.log.read().strip().splitlines()
            raise Absent(said[-1] if said else f"it ended with {self.process.wait()}")
        return json.loads(line)

    def run(self, steps):
        """Return images per second over some steps."""
        time.sleep(SETTLE)
        found = self.ask("run", steps=steps)
        return found["images"] / found["seconds"]

    def close(self):
        self.process.kill()
        self.process.communicate()
        self.log.close()
