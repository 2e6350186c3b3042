"""MNIST, whole inside the package."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from nelbo.data import checksums
from nelbo.data.idx import read_four
from nelbo.data.parts import Parts

FOLDER = Path(__file__).parent / "files"


def read_mnist() -> Parts:
    """Return MNIST: 60,000 and 10,000 images [n, 1, 28, 28] of uint8, with labels 0..9.

    Raises:
        ValueError: a file of the package that was truncated or changed.

    Example:
        >>> read_mnist().test.shape
        (10000, 1, 28, 28)
    """
    parts = read_four(FOLDER, checksums.MNIST, "Reinstall nelbo.")
    return dataclasses.replace(
        parts,
        origin="MNIST by Y. LeCun, C. Cortes and C. J. C. Burges (CC BY-SA 3.0), "
        "from the files inside nelbo",
    )
