"""On what a result was made."""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path


def hardware() -> dict[str, str | int]:
    """Return the processor's name, the usable cores and the operating system.

    Example:
        >>> hardware()["cores"] >= 1
        True
    """
    return {
        "processor": processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else _cores(),
        "system": f"{platform.system()} {platform.machine()}",
    }


def peak_memory() -> int | None:
    """Return the largest resident memory of this process so far, in bytes, where it is known."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _cores() -> int:
    return os.cpu_count() or 1


def processor() -> str:
    """Return the processor's name."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
