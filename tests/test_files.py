"""Files are whole or not there at all."""

import os
import stat

import pytest

from nelbo.errors import Failed
from nelbo.files import write_atomically


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "a"
    write_atomically(path, b"old")

    def full(number):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Failed, match="No space left on device.*saved before is intact"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a"]


def test_an_interrupted_write_leaves_nothing_half_written(tmp_path, monkeypatch):
    def interrupted(number):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(tmp_path / "a", b"new")
    assert os.listdir(tmp_path) == []


def test_a_missing_folder_is_said(tmp_path):
    with pytest.raises(Failed, match="No such file or directory"):
        write_atomically(tmp_path / "missing" / "a", b"")


def test_two_that_write_the_same_file_have_their_own_names_and_the_folder_is_synced(
    tmp_path, monkeypatch
):
    beside, folders, replace, fsync = [], [], os.replace, os.fsync

    def replaced(new, path):
        beside.append(new.name)
        replace(new, path)

    def synced(number):
        folders.append(stat.S_ISDIR(os.fstat(number).st_mode))
        fsync(number)

    monkeypatch.setattr(os, "replace", replaced)
    monkeypatch.setattr(os, "fsync", synced)
    for text in (b"one", b"two"):
        write_atomically(tmp_path / "a", text)
    assert len(set(beside)) == 2
    assert all(name.startswith(".a.") and name.endswith(".new") for name in beside)
    assert folders == [False, True][: 1 + (os.name == "posix")] * 2


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_others_may_read_what_the_users_mask_allows(tmp_path):
    before = os.umask(0o027)
    try:
        write_atomically(tmp_path / "a", b"")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640
