"""The run folder: everything that is needed to rebuild a model and to go on training it.

config.json          the model, the settings, the data, the versions
metrics.jsonl        one line an epoch
checkpoints/         the newest two, named by step
best.safetensors     the weights of the best epoch, under early stopping
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

from nelbo.errors import BadValue, Failed
from nelbo.files import write_atomically
from nelbo.train.checkpoint import Tensors, load_checkpoint, save_checkpoint
from nelbo.train.lock import Lock

KEPT = 2
_HALF_WRITTEN = ".*.new"
_NO_BEST = "Restore it from a copy, or train again in another folder."
PARTS = {"model", "objective", "train", "data", "versions"}


class RunFolder:
    """One run's folder.

    Args:
        path: where it is.

    Attributes:
        lock: whoever writes there takes it.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.lock = Lock(self.path)

    def create(self, config: Mapping[str, Any], room: int) -> None:
        """Make the folder and write `config.json`; `room` bytes must be free before.

        Raises:
            ValueError: the folder holds another run, or is a file.
            RuntimeError: it cannot be written, another process is writing there, or the disk has
                not enough room.
        """
        killed = self.check_new()
        free = shutil.disk_usage(_existing(self.path)).free
        if free < room:
            raise Failed(
                f"out {self.path}",
                expected=f"room for {room / 1e6:.1f} MB of checkpoints",
                got=f"{free / 1e6:.1f} MB",
                fix="Free some space or choose another disk.",
            )
        try:
            # never one that is there: of two runs that start at once, one gets the folder
            (self.path / "checkpoints").mkdir(parents=True, exist_ok=killed)
        except OSError as error:
            raise Failed(
                f"out {self.path}",
                expected="a folder that can be made",
                got=f"'{error.strerror}'",
                fix="Choose another folder.",
            ) from None
        self.lock.take()
        self.sweep()
        self.write_config(config)

    def write_config(self, config: Mapping[str, Any]) -> None:
        """Write `config.json` anew."""
        write_atomically(self.config_path, f"{json.dumps(config, indent=2)}\n".encode())

    def is_killed_start(self) -> bool:
        """Whether all that is here is what a run leaves that ended before its first checkpoint."""
        checkpoints, metrics = self.path / "checkpoints", self.path / "metrics.jsonl"
        if not checkpoints.is_dir() or not self._may_write_config():
            return False
        ours = {checkpoints, self.config_path}
        if metrics.is_file() and metrics.stat().st_size == 0:
            ours.add(metrics)
        here = chain(self.path.iterdir(), checkpoints.iterdir())
        return {path for path in here if not path.match(_HALF_WRITTEN)} <= ours

    def _may_write_config(self) -> bool:
        """Whether there is no `config.json` of somebody else."""
        try:
            return not self.config_path.exists() or bool(self.config())
        except BadValue:
            return False

    def check_new(self) -> bool:
        """Refuse all but a new or empty folder and a killed start; return whether it is that."""
        if self.path.exists() and not self.path.is_dir():
            got, fix = f"the file {self.path}", "Choose another name."
            raise BadValue("out", expected="a folder", got=got, fix=fix)
        killed = self.is_killed_start()
        if self.path.is_dir() and any(self.path.iterdir()) and not killed:
            another = self.config_path.exists()
            got = f"{self.path} with {'another run' if another else 'other files'}"
            fix = "Choose another folder" + (", or resume the run." if another else ".")
            raise BadValue("out", expected="a new or empty folder", got=got, fix=fix)
        return killed

    @property
    def config_path(self) -> Path:
        """Where the configuration is."""
        return self.path / "config.json"

    def config(self) -> dict[str, Any]:
        """Return the configuration.

        Raises:
            ValueError: there is no run here, or its configuration is damaged.
        """
        try:
            found = json.loads(self.config_path.read_text())
            if isinstance(found, dict) and found.keys() >= PARTS:
                return found
            got, fix = "other contents in config.json", "Restore the file."
        except (FileNotFoundError, NotADirectoryError):
            got, fix = "no config.json", "Give the folder that --out named."
        except (OSError, ValueError) as error:
            got, fix = f"'{error}' in config.json", "Restore the file."
        raise BadValue(f"run {self.path}", expected="a nelbo run", got=got, fix=fix)

    def recorded_arithmetic(self) -> Mapping[str, Any] | None:
        """Return how the run computes, where it began and recorded it."""
        return self.config().get("arithmetic") if self.config_path.exists() else None

    def save(self, step: int, tensors: Tensors, record: Mapping[str, Any]) -> None:
        """Write a checkpoint and drop all but the newest two."""
        save_checkpoint(self._checkpoint(step), tensors, record)
        for old in self.checkpoints()[:-KEPT]:
            old.unlink(missing_ok=True)

    def sweep(self) -> None:
        """Drop the half-written files that a killed process left."""
        for left in self.path.rglob(_HALF_WRITTEN):
            left.unlink(missing_ok=True)

    def checkpoints(self) -> list[Path]:
        """Return the checkpoints, oldest first."""
        return sorted((self.path / "checkpoints").glob("*.safetensors"))

    def newest(self) -> tuple[Tensors, dict[str, Any]]:
        """Read the newest checkpoint.

        Raises:
            ValueError: there is none, or it is damaged.
        """
        found = self.checkpoints()
        if not found:
            raise BadValue(
                f"run {self.path}",
                expected="at least one checkpoint",
                got="none",
                fix="The run ended before its first: start it again.",
            )
        return load_checkpoint(found[-1])

    def save_best(self, tensors: Tensors, record: Mapping[str, Any]) -> None:
        """Write the weights of the best epoch so far."""
        save_checkpoint(self._best, tensors, record)

    def best(self) -> Tensors:
        """Read the weights of the best epoch so far."""
        return load_checkpoint(self._best, fix=_NO_BEST)[0]

    def weights(self, group: str = "model") -> Tensors:
        """Read the weights to use: under early stopping the best epoch's, else the newest.

        Args:
            group: `"model"`, or `"objective"`: what the objective learned.

        Raises:
            ValueError: they are missing or damaged.
        """
        if self._best.exists():
            return split(self.best(), group)
        tensors, record = self.newest()
        if record.get("best") is not None and self.config()["train"]["patience"] is not None:
            tensors = self.best()  # it should be there: refused
        return split(tensors, group)

    def write_metrics(self, lines: Iterable[Mapping[str, float]]) -> None:
        """Write `metrics.jsonl` anew."""
        text = "".join(json.dumps(line) + "\n" for line in lines)
        write_atomically(self.path / "metrics.jsonl", text.encode())

    @property
    def _best(self) -> Path:
        return self.path / "best.safetensors"

    def _checkpoint(self, step: int) -> Path:
        return self.path / "checkpoints" / f"{step:09d}.safetensors"


def _existing(path: Path) -> Path:
    """Return the path, or the nearest folder above it that is there."""
    return next(p for p in (path, *path.absolute().parents) if p.exists())


def join(groups: Mapping[str, Mapping[str, Any]]) -> Tensors:
    """Put groups of tensors under one roof, their names prefixed."""
    return {
        f"{group}/{name}": t for group, tensors in groups.items() for name, t in tensors.items()
    }


def split(tensors: Tensors, group: str) -> Tensors:
    """Take one group out again."""
    start = f"{group}/"
    return {name[len(start) :]: t for name, t in tensors.items() if name.startswith(start)}
