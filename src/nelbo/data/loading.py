"""`load`: data by name, by path, or from an array in memory."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Callable
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from nelbo.data import rows
from nelbo.data.arrays import in_memory
from nelbo.data.examples import Examples
from nelbo.data.fashion_mnist import read_fashion_mnist
from nelbo.data.header import Header
from nelbo.data.idx import read_idx
from nelbo.data.images import read_images
from nelbo.data.indexed import Indexed
from nelbo.data.mnist import read_mnist
from nelbo.data.npy_rows import NpyRows
from nelbo.data.numpy_files import read_npy, read_npz
from nelbo.data.on_disk import OnDisk
from nelbo.data.parquet import find as find_parquet
from nelbo.data.parquet import read_parquet
from nelbo.data.parts import Parts
from nelbo.data.rows import Rows
from nelbo.data.split import hold_out
from nelbo.data.table import read_csv
from nelbo.data.transforms import Transform, as_transform
from nelbo.errors import BadType, BadValue, nearest


@dataclass(frozen=True)
class Data:
    """A training set and a test set, and where they come from.

    Args:
        name: of the data set, or the file's.
        train: training examples.
        test: test examples, never trained on.
        checksum: SHA-256 of the bytes of both arrays before any transform, hexadecimal; after
            `sampled-`, it is of samples of files too large to be read for it.
        provenance: one sentence: from where, under which licence, split how.
        place: what `load` takes to find it again, a name or an absolute path; None for an array.
        header: of a table, all of its columns.
    """

    name: str
    train: Indexed
    test: Indexed
    checksum: str
    provenance: str
    place: str | None = None
    header: Header = Header()


def _read_idx_images(path: Path) -> Parts:
    array = read_idx(path)
    return Parts(array[:, None] if array.ndim == 3 else array)


_NAMED: dict[str, Callable[[], Parts]] = {
    "mnist": read_mnist,
    "fashion-mnist": read_fashion_mnist,
}
DATASETS = {
    "mnist": ("70,000 handwritten digits, 28 x 28", "inside nelbo"),
    "fashion-mnist": ("70,000 pieces of clothing, 28 x 28", "cache, Debian's package, or download"),
}


def _read_npy(path: Path) -> Parts:
    large = path.stat().st_size > rows.STREAMED
    return Parts(NpyRows(path)) if large else read_npy(path)


_READERS: dict[str, Callable[[Path], Parts]] = {
    ".npy": _read_npy,
    ".npz": read_npz,
    ".csv": read_csv,
    ".parquet": read_parquet,
    "-ubyte": _read_idx_images,
    "-ubyte.gz": _read_idx_images,
}


_BINARY = {*range(32)} - {*b"\t\n\r"}  # bytes that no text has
_BEGINS = {".npy": b"\x93NUMPY", ".npz": b"PK\x03\x04", ".parquet": b"PAR1"}


def load(
    what: Any,
    *,
    transform: Transform | str | None = None,
    seed: int = 0,
    header: Header | None = None,
) -> Data:
    """Return a data set, checked, its images as bytes in memory.

    Above 1 GB a .npy file, a folder of images and parquet files stay where they are, and so does
    a memory-mapped array of any size: a batch is read, and checked, when it is drawn.

    Of a single array a seeded permutation holds out one tenth as the test set, at most 10,000.

    Args:
        what: `"mnist"`, `"fashion-mnist"`, the path of a .npy, .npz, .csv or .parquet file, of an
            IDX file (`...-ubyte`, `...-ubyte.gz`) or of a folder of images or of parquet files,
            or an array [n, ...].
        transform: object or its text (`"dynamic_binarise"`); default `Scale()`.
        seed: of the split of a single array; a transform has its own.
        header: of the table that a model was trained on, by whose words this one is coded.

    Raises:
        TypeError: neither text, path nor numeric array.
        ValueError: an unknown name, or data that cannot be read, has no examples, or holds
            values that are not finite or that the transform cannot take.
        RuntimeError: Fashion-MNIST is nowhere to be found.

    Example:
        >>> import torch
        >>> data = load(torch.arange(40.0).reshape(20, 2))
        >>> len(data.train), len(data.test), data.train.shape
        (18, 2, (2,))
    """
    chosen = as_transform(transform)
    name, parts = _read(what)
    if header is not None:
        parts = _recoded(parts, header, name)
    elif parts.header.words and not isinstance(parts.train, Rows):
        parts.header.check_categories(np.asarray(parts.train), name)
    whole = dataclasses.replace(parts, train=_checked(parts.train, name))
    parts = hold_out(whole, name, seed) if parts.test is None else whole
    parts = dataclasses.replace(parts, test=_checked(parts.test, f"{name}'s test set"))
    _check_alike(name, parts.train, parts.test)
    if isinstance(parts.train, Tensor):
        chosen = chosen.fitted(parts.train)
    how = (
        "split as given"
        if whole.test is not None
        else (
            f"{len(parts.test)} of {len(whole.train)} examples, drawn with seed {seed}, "
            "held out as the test set"
        )
    )
    return Data(
        name=name,
        train=_source(parts.train, chosen, parts.labels, whole.header),
        test=_source(parts.test, chosen, parts.test_labels, whole.header),
        checksum=_checksum(parts.train, parts.test),
        provenance=f"{parts.origin}: {how}.",
        place=_place(what),
        header=whole.header,
    )


def _recoded(parts: Parts, header: Header, name: str) -> Parts:
    """Return a table in the codes of another one's words."""
    here = parts.header
    header.check_alike(here, name)
    if here.words == header.words or not here.words:
        return dataclasses.replace(parts, header=header)
    arrays = {}
    for key in ("train", "test"):
        array = getattr(parts, key)
        if isinstance(array, Rows):
            got = "others, in a file too large to be held in memory"
            fix = "Train on this file."
            raise BadValue(name, expected="the words of the training data", got=got, fix=fix)
        arrays[key] = None if array is None else header.recoded(np.asarray(array), here, name)
    return dataclasses.replace(parts, header=header, **arrays)


def _place(what: Any) -> str | None:
    if not isinstance(what, str | PathLike):
        return None
    return what if isinstance(what, str) and what in _NAMED else str(Path(what).resolve())


def _checked(array: Any, name: str) -> Tensor | Rows:
    return array if isinstance(array, Rows) else in_memory(array, name)


def _source(array: Tensor | Rows, transform: Transform, labels: Any, header: Header) -> Indexed:
    on_disk = isinstance(array, Rows)
    source = OnDisk(array, transform, labels) if on_disk else Examples(array, transform, labels)
    source.header = header
    return source


def _checksum(*arrays: Tensor | Rows) -> str:
    pieces = (
        a.identity().encode() if isinstance(a, Rows) else a.cpu().contiguous().numpy().data
        for a in arrays
    )
    return "sampled-" * any(isinstance(a, Rows) for a in arrays) + rows.digest(pieces)


def _read(what: Any) -> tuple[str, Parts]:
    if isinstance(what, np.memmap) and (mapped := NpyRows.of_memmap(what)) is not None:
        return "array", Parts(mapped, origin="A memory-mapped array, licence as its owner says")
    if hasattr(what, "__array__"):
        return "array", Parts(what, origin="An array in memory, licence as its owner says")
    if not isinstance(what, str | PathLike):
        raise BadType(
            "data",
            expected="a name, a path or an array",
            got=type(what).__name__,
            fix="For a Dataset or batches, use nelbo.data.as_source.",
        )
    if isinstance(what, str) and what in _NAMED:
        return what, _NAMED[what]()
    path = Path(what)
    if not path.exists():
        raise BadValue(
            "data",
            expected="a known name or the path of a file or folder",
            got=f"'{what}'",
            fix=_did_you_mean(path),
        )
    reader = _folder_reader(path) if path.is_dir() else _reader(path)
    origin = f"Read from {path.resolve()}, licence as its owner says"
    return path.resolve().stem, dataclasses.replace(reader(path), origin=origin)


def _folder_reader(path: Path) -> Callable[[Path], Parts]:
    return read_parquet if find_parquet(path) else read_images


def _reader(path: Path) -> Callable[[Path], Parts]:
    for ending, reader in _READERS.items():
        if path.name.lower().endswith(ending):
            _check_ending(path, ending)
            return reader
    other = path.suffix.lower() in (".tsv", ".txt", ".xls", ".xlsx", ".json", ".feather", ".ods")
    raise BadValue(
        str(path),
        expected=f"a folder or a file ending in {', '.join(_READERS)}",
        got=f"'{path.suffix}'" if path.suffix else "a name without an ending",
        fix="Save the table as a .csv." if other else "Convert it with numpy.save.",
    )


def _check_ending(path: Path, ending: str) -> None:
    """Refuse a file whose first bytes are those of another kind than its name says."""
    if path.is_dir() or ending not in (".csv", *_BEGINS):
        return
    with path.open("rb") as file:
        first = file.read(64)
    kinds = [kind for kind, begin in _BEGINS.items() if first.startswith(begin)]
    text = first.isascii() and b"," in first and not set(first) & _BINARY
    found = [".csv"] if text else kinds
    if found and found != [ending]:
        raise BadValue(
            str(path),
            expected=f"a file as {ending} names it",
            got=f"what begins as a {found[0]} does",
            fix=f"Rename it to {path.with_suffix(found[0]).name}.",
        )


def _did_you_mean(path: Path) -> str:
    """Name the nearest file in the same folder, else the nearest data set."""
    files = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
    close = difflib.get_close_matches(path.name, files, n=1, cutoff=0.8)
    known = nearest(str(path), _NAMED)
    return (
        f"Did you mean '{path.parent / close[0]}'? Known names: {', '.join(sorted(_NAMED))}."
        if close and "Did you mean" not in known
        else known
    )


def _check_alike(name: str, train: Tensor | Rows, test: Tensor | Rows) -> None:
    if train.shape[1:] != test.shape[1:] or train.dtype != test.dtype:
        raise BadValue(
            f"{name}'s test set",
            expected=_kind(train),
            got=_kind(test),
            fix="Save both sets in one shape and type.",
        )


def _kind(array: Tensor | Rows) -> str:
    return f"{str(array.dtype)[6:]} examples of shape {list(array.shape[1:])}"
