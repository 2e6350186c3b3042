"""The picture, the terminal, the JSON, and what they share."""

from __future__ import annotations

import io
import json as standard_json
from pathlib import Path

import matplotlib
import numpy as np
import pytest
import torch
from PIL import Image
from rich.cells import cell_len
from rich.console import Console

from nelbo.report import axes, canvas, json, picture, spectrum, text, tiles, training
from nelbo.report.words import Words

from .build import CASES, averaged, comparison, learned, row, summed


@pytest.mark.parametrize("case", ["collapse", "all refused", "vector", "not a number"])
def test_picture(tmp_path: Path, case: str):
    before = dict(matplotlib.rcParams)
    path = tmp_path / "compare.png"
    picture.write(CASES[case], path)
    with Image.open(path) as image:
        assert image.width == 1600
        pixels = np.asarray(image.convert("L"))
    assert pixels[0].min() == 255  # light, with a margin
    assert pixels.min() < 60
    assert dict(matplotlib.rcParams) == before


def test_picture_without_a_chinese_font_is_english(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(picture, "CJK", ())
    asked = []
    monkeypatch.setattr(picture, "_draw", lambda c, words: asked.append(words.lang) or b"")
    picture.write(comparison(), tmp_path / "compare.png", "zh")
    assert asked == ["en"]


@pytest.mark.skipif(not canvas.installed(canvas.CJK), reason="no Chinese font")
def test_picture_in_chinese_has_every_glyph(tmp_path: Path):
    picture.write(CASES["few shown"], tmp_path / "compare.png", "zh")  # a missing glyph warns


def printed(case: str, lang: str, encoding: str = "utf-8", width: int = 120) -> str:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="replace")
    console = Console(file=stream, width=width, legacy_windows=False)
    console.print(text.comparison(CASES[case], lang))
    stream.flush()
    return stream.buffer.getvalue().decode(encoding)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_terminal_has_100_columns(case: str, lang: str):
    lines = printed(case, lang).splitlines()
    assert max(cell_len(line) for line in lines) <= 100
    assert len(lines) <= 30


def test_terminal_says_what_the_page_says():
    found = printed("collapse", "en")
    assert "all 10,000 reconstructions are the same image" in found
    assert "✕ collapses" in found
    assert "0.0131" in found
    assert "-91.2 ± 0.21" in found
    assert "mass on {0, 1}ᴰ (on grey values no likelihood)" in found


def test_terminal_without_unicode_has_marks_too():
    found = printed("collapse", "en", "ascii")
    assert "x collapses" in found
    assert "+ learns" in found
    assert "-91.2 +- 0.21" in found


@pytest.mark.parametrize("case", CASES)
def test_json_round_trip(tmp_path: Path, case: str):
    path = tmp_path / "compare.json"
    json.write(CASES[case], path)
    read = standard_json.loads(path.read_text(encoding="utf-8"), parse_constant=pytest.fail)
    assert read == json.comparison(CASES[case])
    assert read["schema"] == 1


def test_json_keeps_numbers_unrounded_and_leaves_images_out():
    found = json.comparison(comparison())
    assert found["rows"][1]["estimates"]["importance_bound"]["value"] == -91.234
    assert "originals" not in found
    assert "samples" not in found["rows"][0]


def test_tiles_keep_values():
    c = comparison()
    pixels = tiles.tiles(c.originals, c)
    assert pixels.shape == (10, 24, 24, 3)  # 8 pixels, each three times
    expected = (c.originals[:, 0] * 255).round().numpy().astype(np.uint8)
    np.testing.assert_array_equal(pixels[:, ::3, ::3, 0], expected)


def test_curves_rise_and_fall_with_the_values():
    c = CASES["vector"]
    ramp = torch.linspace(0, 1, 12)[None]
    drawn = tiles.tiles(ramp, c)[0, :, :, 0]
    heights = [int(np.flatnonzero(column).min()) for column in drawn.T]
    assert heights == sorted(heights, reverse=True)


@pytest.mark.parametrize("variances", [(0.5, 0.52, 0.49), (392.0, 0.5, 1e-9), (5.1, 5.2, 5.3)])
def test_labels_of_variances_keep_clear_of_each_other(variances: tuple[float, ...]):
    rows = tuple(row(f"loss {v}", f"gaussian:variance={v}", v, 5.117 / v) for v in variances)
    c = comparison(rows)
    chart = spectrum.draw(c, Words("en", c))
    assert chart is not None
    labels = sorted(s.y for s in chart.shapes if s.shape == "label" and "loss" in s.text)
    assert len(labels) == 3
    assert all(b - a >= spectrum.LINE - 1e-6 for a, b in zip(labels, labels[1:], strict=False))
    assert 0 < labels[0]
    assert labels[-1] < chart.height


def test_bars_above_a_line_are_counted():
    c = comparison((averaged(), summed(), learned()))
    words = Words("en", c)
    counts = [spectrum.position(c, r, words) for r in c.rows]
    assert counts[0] == "above every bar"
    assert counts[1] == f"{sum(e > 0.5 for e in c.spectrum)} bars above it"


def test_panels_share_axes_where_units_agree():
    flat = tuple({"epoch": e, "reconstruction": -3061.0, "kl": 1e-4} for e in (1, 2, 3))
    panels = training.panels(comparison((averaged(history=flat), summed(), learned())))
    assert len({panel.ranges["kl"] for panel in panels}) == 1
    spans = [high - low for low, high in (panel.ranges["reconstruction"] for panel in panels)]
    assert spans[0] == pytest.approx(spans[1])


def test_apart():
    assert axes.apart([], 5, 0, 10) == []
    found = sorted(axes.apart([50.0] * 4, 10, 0, 100))
    assert found == [35, 45, 55, 65]
