"""What a process knows of the others, as far as it can be asked without them."""

import pytest
import torch

from nelbo import world
from nelbo.cli import app
from nelbo.errors import BadValue, Failed
from nelbo.rng import generator


@pytest.fixture
def second(monkeypatch):
    """Be the second of two processes on a machine, as a launcher says it."""
    for name, value in (("WORLD_SIZE", "2"), ("RANK", "1"), ("LOCAL_RANK", "1")):
        monkeypatch.setenv(name, value)


@pytest.fixture
def alone(monkeypatch):
    """Be started by no launcher."""
    for name in ("WORLD_SIZE", "RANK", "LOCAL_RANK"):
        monkeypatch.delenv(name, raising=False)


def test_alone(alone):
    one = world.joined(torch.device("cpu"))
    assert one is world.ALONE
    assert (one.rank, one.size, one.is_main, one.belief) == (0, 1, True, "")
    assert one.seed(5, 7) == 5
    assert one.gather([1, 2]) == [1, 2]
    assert one.on_main(lambda: 3) == 3
    assert world.first_here()
    assert not world.launched()
    world.leave()


def test_one_process_of_a_launcher_is_alone(alone, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "1")
    monkeypatch.setenv("RANK", "0")
    assert world.joined(torch.device("cpu")) is world.ALONE


def test_seeds_of_several_differ_and_repeat():
    seeds = [world.Several(rank, 3).seed(0) for rank in range(3)]
    assert len({*seeds, world.Several(0, 3).seed(1)}) == 4
    assert seeds[1] == generator(0, 1).initial_seed()


def test_each_process_of_a_machine_has_its_own_accelerator(second):
    assert world.own_device(torch.device("cuda")) == torch.device("cuda:1")
    for given in ("cpu", "cuda:0", "mps"):
        assert world.own_device(torch.device(given)) == torch.device(given)


def test_alone_the_device_stays(alone):
    assert world.own_device(torch.device("cuda")) == torch.device("cuda")


def test_errors_of_the_first_as_the_others_raise_them():
    bad = BadValue("x", expected="a", got="b", fix="c.")
    assert world._told(bad) is bad
    told = world._told(OSError("gone"))
    assert isinstance(told, Failed)
    assert "OSError: gone" in str(told)


def test_that_another_process_ended_is_recognised(second):
    assert world.left_alone(RuntimeError("gloo: Connection closed by peer [127.0.0.1]:1"))
    assert not world.left_alone(RuntimeError("shapes differ"))


def test_verbs_for_one_process_refuse_several(second, monkeypatch, capsys):
    monkeypatch.setattr(app, "HEARD", 0.0)
    assert app.run(["compare", "mnist"]) == 2
    said = capsys.readouterr().err
    assert "expected nelbo train or nelbo evaluate, got nelbo compare. Start it alone" in said


def test_the_second_waits_for_the_first_to_say_what_is_wrong_with_all(second, monkeypatch, capsys):
    waited = []
    monkeypatch.setattr(app.time, "sleep", waited.append)
    assert app.run(["forecast", "none"]) == 2
    assert waited == [app.HEARD]
    assert capsys.readouterr().err.count("error") == 1
