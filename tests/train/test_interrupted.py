"""Ctrl-C and SIGTERM: heard once, obeyed twice, left alone where ignored."""

import os
import signal

import pytest

import nelbo
from nelbo.train import Interrupted


def test_sigterm_is_heard_too(tmp_path, make, x, Stop):
    stop = Stop(2, number=signal.SIGTERM)
    with pytest.raises(Interrupted, match="Stopped in epoch 1, after step 2; saved in .*run"):
        nelbo.fit(make(), x, batch=5, out=tmp_path / "run", callbacks=[stop])


def test_without_a_folder_the_message_says_that_nothing_was_saved(make, x, Stop):
    with pytest.raises(Interrupted, match="without a folder .* nothing was saved"):
        nelbo.fit(make(), x, batch=5, callbacks=[Stop(2)])


def test_the_first_of_two_signals_is_waited_for_and_the_second_is_not(make, x):
    class Twice(nelbo.train.Callback):
        def on_step(self, epoch, examples, means):
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt) as error:
        nelbo.fit(make(), x, callbacks=[Twice()])
    assert not isinstance(error.value, Interrupted)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_signal_that_the_caller_ignores_stays_ignored(make, x, Stop):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    assert len(nelbo.fit(make(), x, epochs=1, callbacks=[Stop(1)]).history) == 1
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
