"""Oversampling: which examples recur, and how often."""

import pytest
import torch

from nelbo.data import Examples, oversample
from nelbo.errors import BadValue


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_the_share_is_as_asked_and_nobody_is_left_out(share):
    labels = torch.full((1000,), -1)
    labels[::100] = torch.arange(10)
    index = oversample(labels, share)
    times = index.bincount(minlength=1000)
    assert set(times[labels == -1].tolist()) == {1}
    assert len(set(times[labels >= 0].tolist())) == 1
    # copies are whole: the number of them is right to a half
    assert float((labels[index] >= 0).double().mean()) == pytest.approx(share, abs=0.02)


def test_enough_labels_are_not_repeated():
    assert oversample([0, 1, 1, -1]).tolist() == [0, 1, 2, 3]
    assert oversample([0, 1, 1]).tolist() == [0, 1, 2]


def test_a_source_takes_the_numbers():
    source = Examples(torch.arange(8.0).reshape(4, 2), labels=[1, -1, -1, -1])
    taken = source.take(oversample(source.labels, 0.5))
    assert taken.labels.tolist() == [1, -1, -1, -1, 1, 1]
    assert taken[4:].tolist() == [[0.0, 1.0], [0.0, 1.0]]


def test_what_cannot_be_is_refused():
    with pytest.raises(BadValue, match="labels: expected at least one example with a label"):
        oversample([-1, -1])
    for share in (0.0, 1.0, float("nan")):
        with pytest.raises(BadValue, match=r"share: expected a number in \(0, 1\)"):
            oversample([-1, 1], share)
