"""The display: live on a terminal, plain lines elsewhere."""

import io
import re

import pytest
from rich.console import Console

import nelbo
from nelbo.train import ProgressDisplay

BELIEFS = {"likelihood": "Bernoulli: [bold]features[/bold] on [0, 1]", "objective": "ELBO"}
MEANS = {"reconstruction": -123.456, "kl": 23.21, "images_per_second": 12345.6}
LINE = "epoch  1/10  reconstruction -123.46, kl 23.21 nats, 12,346 examples/s"


def _console(terminal, width=80):
    file = io.StringIO()
    return Console(file=file, force_terminal=terminal, width=width, legacy_windows=False), file


def _show(display, epochs=10):
    display.on_start(BELIEFS, 1000, epochs)
    display.on_step(1, 100, lambda: MEANS)
    display.on_step(1, 200, lambda: MEANS)  # too soon to be shown
    display.on_epoch({"epoch": 1, **MEANS, "valid_elbo": -150.0})
    display.on_end("Stopped; saved in runs/[a].")


def test_plain_lines_have_no_escapes_and_do_not_wrap():
    console, file = _console(terminal=False, width=40)
    _show(ProgressDisplay(console))
    assert file.getvalue().splitlines() == [
        "likelihood  Bernoulli: [bold]features[/bold] on [0, 1]",
        "objective   ELBO",
        f"{LINE}, validation elbo -150.00",
        "Stopped; saved in runs/[a].",
    ]


@pytest.mark.parametrize("width", [80, 120])
def test_a_terminal_shows_everything_in_one_live_line(width):
    console, file = _console(terminal=True, width=width)
    _show(ProgressDisplay(console))
    shown = [re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", s) for s in re.split(r"[\r\n]", file.getvalue())]
    live = [line for line in shown if "left" in line]
    assert live
    for line in live:
        assert len(line) <= width
    full = next(line for line in live if "nats" in line)
    assert full.startswith("epoch 1/10 ")
    assert ("━" in full) == (width == 120)
    assert "reconstruction -123.5, kl 23.2 nats, 12,346 examples/s" in full
    assert re.search(r"(--:--|\d+:\d\d) left", full)
    assert f"{LINE}, validation elbo -150.00" in shown
    assert "\x1b[?25h" in file.getvalue()  # the cursor is given back


def test_the_bar_is_taken_away_when_the_run_fails():
    console, file = _console(terminal=True)
    display = ProgressDisplay(console)
    display.on_start(BELIEFS, None, 2)  # a stream of unknown size
    display.on_step(1, 5, lambda: MEANS)
    display.on_end("")
    assert "\x1b[?25h" in file.getvalue()
    display.on_end("")  # again is no error


def test_the_means_are_asked_for_ten_times_a_second_at_most():
    asked = []
    display = ProgressDisplay(_console(terminal=True)[0])
    display.on_start(BELIEFS, 1000, 1)
    for step in range(200):
        display.on_step(1, step, lambda: asked.append(1) or MEANS)
    display.on_end("")
    assert 1 <= len(asked) < 100


def test_by_default_a_run_is_shown_on_standard_error(make, x, capsys):
    nelbo.fit(make(), x, epochs=2)
    shown = capsys.readouterr()
    assert shown.out == ""
    lines = shown.err.splitlines()
    assert lines[0].startswith("likelihood  Bernoulli")
    assert [line[:9] for line in lines if line.startswith("epoch")] == ["epoch 1/2", "epoch 2/2"]
    assert "\x1b" not in shown.err


def test_a_resumed_run_judges_the_time_left_by_its_own_speed(monkeypatch):
    from rich.progress import Progress

    display = ProgressDisplay(_console(terminal=True)[0])
    display.on_start(BELIEFS, 1000, 10)
    display.on_step(9, 100, lambda: MEANS)  # 8,100 examples were done before
    bar: Progress = display._bar
    (task,) = bar.tasks
    assert task.completed == 8100
    assert task.speed is None
    display.on_end("")
