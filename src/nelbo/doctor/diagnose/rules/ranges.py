"""Can the outputs be what the data is?"""

from __future__ import annotations

from collections.abc import Iterator

from nelbo.doctor.diagnose.case import Case
from nelbo.doctor.finding import Finding

# Values of the data that the outputs cannot reach, as a share: below it, outliers.
SHARE = 0.01
# What a value may lie outside by, as a share of the outputs' range: rounding, and standard noise
# around [0, 1], do no harm.
SLACK = 0.05
# sigmoid(sigmoid(a)) lies in (1/2, sigmoid(1)); data outside presses it against an end.
TWICE = (0.5, 0.7310586)
PRESSED = 0.01
BOUNDS = {"sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0), "relu": (0.0, float("inf"))}


def ranges(case: Case) -> Iterator[Finding]:
    """Find outputs that went through two sigmoids, and a range that is not the data's."""
    twice = next(_twice(case), None)
    if twice is not None:
        yield twice
        return
    yield from _unreachable(case)
    yield from _tanh(case)


def _twice(case: Case) -> Iterator[Finding]:
    before = (*case.decoding.last, "sigmoid") if case.squashes else case.decoding.last
    low, high = TWICE
    least, most = float(case.recon.min()), float(case.recon.max())
    inside = least >= low - 1e-4 and most <= high + 1e-4
    pressed = least < low + PRESSED or most > high - PRESSED
    x = case.x.flatten(1)
    outside = float(((x < low - SLACK) | (x > high + SLACK)).double().mean())
    # a collapsed model's outputs are the data's mean, which may lie there by itself
    likely = inside and outside > SHARE and (pressed or not case.collapsed)
    unseen = not case.decoding.last or "sigmoid" in case.decoding.last[:-1]
    if before[-2:] == ("sigmoid", "sigmoid") or (unseen and likely):
        yield Finding(
            "double_sigmoid",
            "error",
            "The outputs go through two sigmoids, so that they lie between 0.5 and 0.73 whatever "
            "the decoder says.",
            {
                "smallest output": least,
                "largest output": most,
                "share of the data outside [0.5, 0.73]": outside,
            },
            "Take the sigmoid out of the decoder, or pass its output as probabilities.",
        )


def _bounds(case: Case) -> tuple[float, float]:
    """Return the range that the outputs cannot leave."""
    if case.squashes or (case.adapter is not None and case.adapter.output == "prob"):
        return BOUNDS["sigmoid"]
    last = case.decoding.last[-1] if case.decoding.last else ""
    return BOUNDS.get(last, _measured(case))


def _measured(case: Case) -> tuple[float, float]:
    """Return the unit interval for NumPy outputs that fill it and never leave it."""
    low, high = float(case.recon.min()), float(case.recon.max())
    filled = -1e-6 <= low < 0.01 and 0.99 < high <= 1 + 1e-6
    unbounded = (float("-inf"), float("inf"))
    return BOUNDS["sigmoid"] if filled and not case.decoding.last else unbounded


def _unreachable(case: Case) -> Iterator[Finding]:
    low, high = _bounds(case)
    slack = SLACK * (min(high, 1.0) - max(low, -1.0))
    x = case.x.flatten(1)
    outside = float(((x < low - slack) | (x > high + slack)).double().mean())
    if outside <= SHARE:
        return
    moments = case.moments
    fix = "x = x / 255" if moments.low >= 0 and 1 < moments.high <= 255 else "Scale the data there"
    yield Finding(
        "range_mismatch",
        "error",
        f"The outputs cannot leave [{low:g}, {high:g}], but the data goes from {moments.low:g} to "
        f"{moments.high:g}: {outside:.0%} of its values are out of reach.",
        _evidence(case, outside),
        f"{fix}, or let the decoder end without a squashing function.",
    )


def _tanh(case: Case) -> Iterator[Finding]:
    last = case.decoding.last[-1] if case.decoding.last else ""
    unit = case.moments.low >= 0 and case.moments.high <= 1
    if last == "tanh" and unit and not case.squashes:
        below = float((case.recon < 0).double().mean())
        yield Finding(
            "range_mismatch",
            "error",
            "The decoder ends in tanh, whose outputs lie in [-1, 1], but the data lies in [0, 1]: "
            "0 is in the middle of the outputs, where tanh is steepest, not at their end.",
            _evidence(case, 0.0) | {"share of the outputs below 0": below},
            "End in a sigmoid, or scale the data to [-1, 1]: x = 2 * x - 1.",
        )


def _evidence(case: Case, outside: float) -> dict[str, float | int | str]:
    return {
        "smallest value of the data": case.moments.low,
        "largest value of the data": case.moments.high,
        "smallest output": float(case.recon.min()),
        "largest output": float(case.recon.max()),
        "share of the data out of reach": outside,
    }
