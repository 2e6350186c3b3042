"""`forecast.png`: the spectrum of a forecast, with the line that it has to exceed."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from nelbo.doctor import Forecast
from nelbo.errors import BadValue
from nelbo.files import write_atomically
from nelbo.report.canvas import CJK, EDGE, INNER, Canvas, installed
from nelbo.report.doctor import chart
from nelbo.report.words import Phrases
from nelbo.report.wrapping import balanced

HEIGHT = 300.0  # of the chart, in css pixels


def write(found: Forecast, path: str | Path, lang: str = "en") -> None:
    """Write the picture, whole or not at all.

    Args:
        found: what `nelbo.forecast` returned.
        path: where to, customarily `forecast.png`.
        lang: `"en"` or `"zh"`; English where no Chinese font is installed.

    Raises:
        ValueError: data that does not vary has no spectrum, or a language without strings.

    Example:
        >>> import tempfile, torch, nelbo
        >>> x = torch.tensor([[0.0, 1.0], [2.0, 1.0]])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write(nelbo.forecast(x, nelbo.likelihoods.Gaussian()), f"{folder}/forecast.png")
    """
    words = Phrases("en" if lang == "zh" and not installed(CJK) else lang)
    drawing = chart.draw(found, words, INNER, HEIGHT)
    if drawing is None:
        raise BadValue(
            "forecast",
            expected="data that varies",
            got="no eigenvalue above 0",
            fix="Look at the data: every example is the same.",
        )
    canvas, y = Canvas(), EDGE + 16
    lines = [(str(found), 13.0, "strong"), *((note, 11.0, "quiet") for note in found.notes)]
    for text, size, style in lines:
        width = partial(canvas.width, size=size, style=style)
        for line in balanced(text, INNER, width):
            canvas.text((EDGE, y), line, size, style)
            y += 1.4 * size
    canvas.drawing(drawing, (EDGE, y))
    write_atomically(Path(path), canvas.png(y + drawing.height + EDGE))
