"""The run folder: refused before any work, and never left half written, on a full disk too."""

import json
import os
import shutil

import pytest
import torch

import nelbo
from nelbo.errors import BadValue, Failed
from nelbo.train import Callback, RunFolder
from nelbo.train.checkpoint import load_checkpoint
from tests.train.running import fill, fit


@pytest.fixture
def run(tmp_path, make, x):
    """A finished run's folder."""
    fit(make(), x, out=tmp_path / "run")
    return tmp_path / "run"


def test_contents(run):
    names = sorted(str(path.relative_to(run)) for path in run.rglob("*") if path.is_file())
    assert names == [
        "checkpoints/000000004.safetensors",
        "checkpoints/000000008.safetensors",
        "config.json",
        "metrics.jsonl",
    ]


def test_only_the_newest_two_checkpoints_are_kept(tmp_path, make, x):
    fit(make(), x, epochs=5, out=tmp_path / "run")
    names = [path.stem for path in RunFolder(tmp_path / "run").checkpoints()]
    assert names == ["000000016", "000000020"]


def test_a_folder_with_another_run_is_refused(run, make, x, snapshot, one_line):
    before = snapshot(run)
    with pytest.raises(BadValue, match="with another run") as error:
        fit(make(), x, out=run)
    assert "resume" in one_line(error)
    assert snapshot(run) == before


def test_a_folder_with_other_files_is_refused(tmp_path, make, x, snapshot):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(BadValue, match="with other files. Choose another folder"):
        fit(make(), x, out=tmp_path)
    assert snapshot(tmp_path) == {"notes.txt": b"mine"}


def test_a_file_is_refused(tmp_path, make, x, snapshot):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(BadValue, match="out: expected a folder, got the file"):
        fit(make(), x, out=tmp_path / "file")
    with pytest.raises(Failed, match="expected a folder that can be made, got 'Not a directory'"):
        fit(make(), x, out=tmp_path / "file" / "run")
    assert snapshot(tmp_path) == {"file": b"mine"}


def test_an_empty_folder_and_missing_parents_are_fine(tmp_path, make, x):
    (tmp_path / "empty").mkdir()
    assert fit(make(), x, out=tmp_path / "empty").out == tmp_path / "empty"
    fit(make(), x, out=tmp_path / "a" / "b" / "c")
    assert (tmp_path / "a" / "b" / "c" / "config.json").exists()


def test_of_two_runs_that_begin_at_once_one_gets_the_folder(tmp_path):
    first, second = RunFolder(tmp_path / "run"), RunFolder(tmp_path / "run")
    (first.path / "checkpoints").mkdir(parents=True)
    second.check_new = lambda: False  # as if it had looked before
    with pytest.raises(Failed, match="expected a folder that can be made, got 'File exists'"):
        second.create({}, room=0)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "no config.json. Give the folder that --out named."),
        ("", "in config.json. Restore the file."),
        ("{", "in config.json. Restore the file."),
        ("{}", "other contents in config.json"),
        ("[1]", "other contents in config.json"),
        (b"\xff\xfe\x00", "in config.json. Restore the file."),
    ],
)
def test_a_damaged_configuration_is_refused(run, one_line, text, says):
    (run / "config.json").unlink()
    if text is not None:
        (run / "config.json").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(BadValue, match="expected a nelbo run") as error:
        nelbo.load(run)
    assert says in one_line(error)


def test_no_folder_at_all(tmp_path, one_line):
    (tmp_path / "file").touch()
    for path in (tmp_path / "missing", tmp_path / "file"):
        with pytest.raises(BadValue, match="got no config.json") as error:
            nelbo.load(path)
        one_line(error)


def _resume(run, make, x):
    return fit(make(1), x, epochs=3, out=run, resume=True)


@pytest.mark.parametrize("damage", ["truncated", "empty", "altered", "foreign", "weights alone"])
def test_a_damaged_checkpoint_is_refused_and_the_one_before_goes_on(
    run, make, x, same, snapshot, one_line, damage
):
    whole = fit(make(), x, epochs=3)
    before, newest = RunFolder(run).checkpoints()
    data = bytearray(newest.read_bytes())
    if damage == "truncated":
        newest.write_bytes(data[: len(data) // 2])
    elif damage == "empty":
        newest.write_bytes(b"")
    elif damage == "altered":
        data[-100] ^= 1
        newest.write_bytes(data)
    elif damage == "foreign":
        from safetensors.torch import save_file

        save_file({"w": torch.ones(2)}, newest)
    else:
        RunFolder(run).save_best(load_checkpoint(before)[0], {"epoch": 1})
        os.replace(run / "best.safetensors", newest)
    files = snapshot(run)
    with pytest.raises(BadValue, match="checkpoint.*Delete it to go on from the one before") as e:
        _resume(run, make, x)
    one_line(e)
    assert snapshot(run) == files
    newest.unlink()
    same(_resume(run, make, x).model.state_dict(), whole.model.state_dict())


def test_a_run_without_checkpoints_says_so(run, make, x, one_line):
    shutil.rmtree(run / "checkpoints")
    with pytest.raises(BadValue, match="expected at least one checkpoint, got none") as error:
        _resume(run, make, x)
    one_line(error)


def test_early_stopping_cannot_go_on_without_its_best_weights(tmp_path, make, x):
    out = tmp_path / "run"
    fit(make(), x, valid=x[:5], patience=3, out=out)
    (out / "best.safetensors").unlink()
    says = "best.safetensors: expected a complete file.*Restore it from a copy, or train again"
    with pytest.raises(BadValue, match=says):
        fit(make(1), x, valid=x[:5], patience=3, epochs=4, out=out, resume=True)
    with pytest.raises(BadValue, match=says):
        nelbo.load(out)


def test_damaged_best_weights_are_not_to_be_deleted(tmp_path, make, x):
    out = tmp_path / "run"
    fit(make(), x, valid=x[:5], patience=3, out=out)
    (out / "best.safetensors").write_bytes(b"")
    with pytest.raises(BadValue, match="Restore it from a copy, or train again"):
        nelbo.load(out)


def test_a_validation_without_early_stopping_needs_no_best_weights(tmp_path, make, x, same):
    run = fit(make(), x, valid=x[:5], out=tmp_path / "run")
    same(nelbo.load(tmp_path / "run").state_dict(), run.model.state_dict())


def test_a_disk_without_room_is_refused_and_nothing_is_made(tmp_path, make, x, monkeypatch):
    usage = shutil.disk_usage(tmp_path)._replace(free=10**6)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(Failed, match="expected room for 1.1 MB of checkpoints, got 1.0 MB"):
        fit(make(), x, out=tmp_path / "a" / "run")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_refused_before_any_work(small_disk, make, x, one_line):
    disk = small_disk("1m")
    with pytest.raises(Failed, match="Free some space") as error:
        fit(make(), x, out=disk / "run")
    one_line(error)
    assert list(disk.iterdir()) == []


@pytest.mark.parametrize("left", [0, 5000])
def test_a_disk_that_fills_up_later_keeps_the_last_checkpoint(
    small_disk, make, x, same, one_line, left
):
    disk = small_disk("2m")

    class Fill(Callback):
        def on_epoch(self, metrics):
            if metrics["epoch"] == 2:
                fill(disk / "others", left)

    whole = fit(make(), x, epochs=4)
    with pytest.raises(Failed, match="No space left on device") as error:
        fit(make(), x, epochs=4, out=disk / "run", callbacks=[Fill()])
    assert "what was saved before is intact" in one_line(error)
    after_two = fit(make(), x, epochs=2).model.state_dict()
    same(nelbo.load(disk / "run").state_dict(), after_two)
    assert not list((disk / "run").rglob(".*"))
    lines = (disk / "run" / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in lines] == [1, 2]
    (disk / "others").unlink()
    run = fit(make(1), x, epochs=4, out=disk / "run", resume=True)
    same(run.model.state_dict(), whole.model.state_dict())


def test_what_a_killed_process_left_half_written_is_swept_away(run, make, x):
    left = [run / ".config.json.1a.new", run / "checkpoints" / ".000000012.safetensors.2b.new"]
    for path in left:
        path.write_bytes(b"half")
    _resume(run, make, x)
    assert not any(path.exists() for path in left)
