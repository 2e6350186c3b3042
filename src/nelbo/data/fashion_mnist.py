"""Fashion-MNIST: from the user's cache, from Debian's package, or downloaded into the cache."""

from __future__ import annotations

import dataclasses
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nelbo.data import checksums
from nelbo.data.idx import find, read_four
from nelbo.data.parts import Parts
from nelbo.errors import Failed

DEBIAN = Path("/usr/share/datasets/fashion-mnist")
URL = "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/"
_APT = "apt-get install dataset-fashion-mnist"


def read_fashion_mnist() -> Parts:
    """Return Fashion-MNIST: 60,000 and 10,000 images [n, 1, 28, 28] of uint8, labels 0..9.

    Raises:
        ValueError: a file that was truncated or changed.
        RuntimeError: found nowhere, and the download failed.
    """
    folder = next((f for f in (cache(), DEBIAN) if _complete(f)), None) or _download(cache())
    fix = f"Run {_APT} --reinstall." if folder == DEBIAN else "Delete it and run again."
    parts = read_four(folder, checksums.FASHION_MNIST, fix)
    return dataclasses.replace(
        parts, origin=f"Fashion-MNIST by H. Xiao, K. Rasul and R. Vollgraf (MIT), from {folder}"
    )


def cache() -> Path:
    """Return the folder of downloads: `$NELBO_CACHE`, else the system's, and `fashion-mnist`."""
    import pooch

    return Path(os.environ.get("NELBO_CACHE") or pooch.os_cache("nelbo")) / "fashion-mnist"


def _complete(folder: Path) -> bool:
    return all(find(folder, name) for name in checksums.FILES)


def _download(folder: Path) -> Path:
    """Fetch the four files; pooch moves each into place only when its checksum is right."""
    import pooch

    # Typed loosely: pooch's downloader and its protocol for downloaders name arguments differently.
    fetch: Any = pooch.HTTPDownloader(progressbar=False, chunk_size=2**16, timeout=30)
    try:
        with _quiet(pooch.get_logger()):
            for name, md5 in checksums.FASHION_MNIST_GZ_MD5.items():
                file = f"{name}.gz"
                pooch.retrieve(URL + file, f"md5:{md5}", file, folder, downloader=fetch)
    except (OSError, ValueError) as error:
        raise Failed(
            "fashion-mnist",
            expected=f"a download from {URL}",
            got=type(error).__name__,
            fix=f"Run {_APT}, or put the four .gz files into {folder}.",
        ) from error
    return folder


@contextmanager
def _quiet(logger: logging.Logger) -> Iterator[None]:
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
