import gzip
import struct

import numpy as np
import pytest

from nelbo.data.idx import read_idx
from nelbo.errors import BadValue

IMAGES = np.arange(60, dtype=np.uint8).reshape(3, 4, 5)


@pytest.mark.parametrize("compress", [bytes, gzip.compress])
def test_reads_what_was_written(tmp_path, idx_bytes, compress):
    path = tmp_path / "x-ubyte"
    path.write_bytes(compress(idx_bytes(IMAGES)))
    np.testing.assert_array_equal(read_idx(path), IMAGES)


@pytest.mark.parametrize("compress", [bytes, gzip.compress])
def test_every_truncation_is_refused(tmp_path, idx_bytes, compress, one_line):
    path, whole = tmp_path / "x-ubyte", compress(idx_bytes(IMAGES))
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(BadValue) as error:
            read_idx(path)
        assert str(path) in one_line(error)


def test_every_tampered_byte_is_refused_by_the_digest(tmp_path, idx_bytes, one_line):
    import hashlib

    path, whole = tmp_path / "x-ubyte", idx_bytes(IMAGES)
    digest = hashlib.sha256(whole).hexdigest()
    for place in range(len(whole)):
        changed = bytearray(whole)
        changed[place] ^= 1
        path.write_bytes(changed)
        with pytest.raises(BadValue) as error:
            read_idx(path, digest)
        one_line(error)
    assert f"SHA-256 {digest[:12]}" in str(error.value)


def test_a_tampered_byte_of_gzip_never_changes_the_data(tmp_path, idx_bytes):
    import hashlib

    path, whole = tmp_path / "x-ubyte.gz", gzip.compress(idx_bytes(IMAGES), mtime=0)
    digest = hashlib.sha256(idx_bytes(IMAGES)).hexdigest()
    refused = 0
    for place in range(len(whole)):
        changed = bytearray(whole)
        changed[place] ^= 0x80
        path.write_bytes(changed)
        try:  # some bits, such as the time and the padding, carry no data
            np.testing.assert_array_equal(read_idx(path, digest), IMAGES)
        except BadValue:
            refused += 1
    assert refused >= len(whole) - 12


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0\0\x0d\x01" + struct.pack(">I", 2) + b"1234",  # floats
        b"\0\0\x08\0",  # no axis
        b"\0\0\x08\x03" + struct.pack(">3I", 2**31, 2**31, 9),  # absurd sizes
        b"not an IDX file at all",
    ],
)
def test_other_files_are_refused(tmp_path, data, one_line):
    path = tmp_path / "x-ubyte"
    path.write_bytes(data)
    with pytest.raises(BadValue) as error:
        read_idx(path)
    assert str(path) in one_line(error)


def test_bytes_too_many_are_refused(tmp_path, idx_bytes):
    path = tmp_path / "x-ubyte"
    path.write_bytes(idx_bytes(IMAGES) + b"\0")
    with pytest.raises(BadValue, match="expected 60 bytes of data, got more"):
        read_idx(path)
