"""The doctor's screen, page and JSON, from one sheet."""

from __future__ import annotations

import io
import json
import math
import re
from dataclasses import replace
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from nelbo.doctor import KL, Finding
from nelbo.report import doctor
from nelbo.report.doctor import fixing, page
from nelbo.report.doctor.chart import draw
from nelbo.report.doctor.level import level
from nelbo.report.words import Phrases

from .doctor_cases import (
    ABOUT,
    AVERAGED,
    MADE,
    NOTED,
    RESULTS,
    audit,
    bernoulli,
    foretold,
    healthy,
    sheet,
)  # fmt: skip
from .test_page import CHROMIUM, Tree

LANGS = ("en", "zh")


def printed(case: str, lang: str = "en", encoding: str = "utf-8", width: int = 120) -> str:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)  # a sign it lacks is an error
    console = Console(file=stream, width=width, legacy_windows=False)
    console.print(doctor.screen(sheet(case, lang), lang))
    stream.flush()
    return stream.buffer.getvalue().decode(encoding)


@pytest.mark.parametrize("case", RESULTS)
@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("width", [50, 80, 120])
def test_the_screen_fits_and_is_one(case: str, lang: str, width: int):
    lines = printed(case, lang, width=width).splitlines()
    assert max(map(cell_len, lines)) <= min(width, 100)
    assert len(lines) <= 40 or width < 100


def test_the_verdict_and_the_first_finding_are_on_top():
    lines = printed("averaged").splitlines()
    assert lines[0].startswith("✕ would not fit a VAE  my_code.py:my_loss · MNIST")
    assert lines[2].startswith("The squared error is averaged over the 784 features")
    assert "implied variance = 392 · features = 784 · largest eigenvalue = 5.12" in lines[4]
    found = "\n".join(lines)
    assert "fix recon_loss = ((x - recon) ** 2).flatten(1).sum(1).mean()" in found
    assert found.index("! warning") < found.index("i note") < found.index("constant")
    assert "✕ collapses  It collapses: the loss believes in noise of variance 392" in found


def test_a_healthy_loss_is_named():
    found = printed("healthy")
    assert found.startswith("✓ fits a VAE")
    assert "negative ELBO of a Gaussian decoder of variance 0.5." in found
    assert "✓ learns" in found


def test_what_is_no_elbo_is_not_called_one():
    clamped = healthy(kl=KL("free_bits", "mean", "sum", 1.0))
    made = doctor.audit(clamped, "f", ABOUT, MADE)
    assert made.headline == "Nothing to mend: this loss would fit a VAE."
    weighted = doctor.audit(bernoulli(beta=4.0), "f", ABOUT, MADE)
    assert weighted.headline.endswith("a Bernoulli decoder, with the KL weighted by 4.")


@pytest.mark.parametrize("case", RESULTS)
def test_a_terminal_without_unicode_shows_all_of_it(case: str):
    found = printed(case, encoding="ascii")
    assert re.match(r"[x!+] \w", found)


def test_colour_is_never_alone():
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, color_system="standard", width=100)
    console.print(doctor.screen(sheet("averaged")))
    coloured = stream.getvalue()
    assert "\x1b[1;31m✕ would not fit a VAE" in coloured
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == printed("averaged")


def test_text_of_others_is_never_markup():
    finding = replace(AVERAGED, cause="It says [bold]x[/bold] and [/].", fix="Use x[0].")
    made = doctor.audit(audit(findings=(finding,)), "a[0].py:f", ABOUT, MADE)
    stream = io.StringIO()
    Console(file=stream, width=100).print(doctor.screen(made))
    assert "It says [bold]x[/bold] and [/]." in stream.getvalue()
    assert "a[0].py:f" in stream.getvalue()


@pytest.mark.parametrize("case", RESULTS)
@pytest.mark.parametrize("lang", LANGS)
def test_every_case_makes_a_sound_page(case: str, lang: str):
    made = page.page(sheet(case, lang), lang)
    tree = Tree(made)
    assert tree.open == []
    assert len(tree.named("h1")) == 1
    assert tree.named("html")[0]["lang"] == {"en": "en", "zh": "zh-CN"}[lang]
    assert all(svg.get("aria-label") for svg in tree.named("svg") if svg.get("role") == "img")
    assert "nan" not in tree.text.lower()
    assert "None" not in tree.text
    assert tree.named("script") == []
    assert not re.search(r"url\(|@import|https?://", made)
    assert len(made.encode()) < 2_000_000


def test_the_page_has_the_finding_first_then_the_forecast_then_the_tables():
    made = page.page(sheet("whole"))
    ids = re.findall(r'<h[12] id="(\w+)"', made)
    assert ids == ["answer", "why", "table1", "table2", "made"]
    assert page.page(sheet("averaged")).index("<pre") < made.index('id="why"')


def test_names_are_escaped():
    finding = replace(AVERAGED, cause="<script>alert(1)</script>", evidence={"<b>": "<i>"})
    made = page.page(doctor.audit(audit(findings=(finding,)), "<u>", ABOUT, MADE))
    assert not re.search("<script|<b>|<i>|<u>", made)


def test_the_page_is_written_whole(tmp_path: Path):
    path = tmp_path / "a.html"
    page.write(sheet("averaged"), path)
    page.write(sheet("dead", "zh"), path, "zh")
    assert "怎么办" in path.read_text(encoding="utf-8")
    assert [p.name for p in tmp_path.iterdir()] == ["a.html"]


@pytest.mark.parametrize("case", RESULTS)
def test_json_is_strict_and_complete(case: str):
    record = doctor.record(sheet(case), RESULTS[case])
    read = json.loads(json.dumps(record, allow_nan=False))
    assert read == record
    assert read["schema"] == 1
    assert read["ok"] is sheet(case).ok
    assert read["subject"] == "my_code.py:my_loss"


def test_json_is_unrounded():
    record = doctor.record(sheet("averaged"), RESULTS["averaged"])
    assert record["findings"][0]["evidence"]["largest eigenvalue"] == 5.1169
    assert record["forecast"]["eigenvalues"][0] == 5.117 / 392
    assert doctor.record(sheet("unknown"), RESULTS["unknown"])["findings"][0]["evidence"] == {
        "loss": None
    }


def test_the_line_is_in_units_of_the_data_where_a_variance_is_stated():
    found = level(foretold())
    assert found is not None
    assert (found.top, found.line, found.text) == (
        pytest.approx(5.117),
        pytest.approx(392),
        "σ² = 392",
    )
    weighted = level(NOTED)
    assert weighted is not None
    assert weighted.text == "β σ² = 4.9"
    free = level(foretold(critical_variance=None))
    assert free is not None
    assert (free.line, free.text) == (pytest.approx(1), "β = 1")


@pytest.mark.parametrize("width", [1040.0, 360.0])
@pytest.mark.parametrize("scale", [392.0, 5.117, 4.9, 0.5, 1e-6])
def test_the_chart_stays_inside_itself(width: float, scale: float):
    chart = draw(foretold(scale=scale), Phrases("en"), width, 380)
    assert chart is not None
    for shape in chart.shapes:
        if shape.shape == "label":
            assert 0 <= shape.x <= width
            assert 0 < shape.y <= 380
        elif shape.shape == "bar":
            assert shape.height >= 0
            assert shape.x + shape.width <= width
    count = sum(shape.shape == "bar" for shape in chart.shapes)
    assert 40 <= count <= 320


def test_nothing_is_drawn_where_nothing_varies():
    assert draw(foretold(eigenvalues=(0.0,), margin=0.0), Phrases("en")) is None
    assert level(foretold(eigenvalues=(), margin=math.nan)) is None


@pytest.mark.parametrize(
    ("fix", "code"),
    [
        (
            "Sum over all: recon = ((x - y)**2).sum(1).mean().",
            ["recon = ((x - y)**2).sum(1).mean()"],
        ),
        ("Add kl = 0.5 * mu**2. Then train.", ["kl = 0.5 * mu**2"]),
        ("x = x / 255, or let it end without.", ["x = x / 255"]),
        (
            "Remove .detach(), .item() or no_grad() around it.",
            [".detach()", ".item()", "no_grad()"],
        ),
        ("Nothing, if that is meant.", []),
        ("Clamp `p` at 1e-6.", ["p"]),
        ("Lower it to 0.5: it is too large.", []),
        ("", []),
    ],
)
def test_code_in_a_fix_is_found(fix: str, code: list[str]):
    found = fixing.pieces(fix)
    assert [piece.text for piece in found if piece.kind != "prose"] == code


def test_an_info_never_leads():
    info = Finding("a", "info", "Only worth knowing.")
    made = doctor.audit(audit(findings=(info,), ok=True), "f", ABOUT, MADE)
    assert made.lead is None
    assert made.others == (info,)
    assert made.mark.kind == "ok"


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api")
    if not CHROMIUM.exists():
        pytest.skip("no chromium")
    flags = "--no-sandbox --disable-gpu --disable-background-networking --disable-sync"
    with playwright.sync_playwright() as p:
        running = p.chromium.launch(executable_path=str(CHROMIUM), args=flags.split())
        yield running
        running.close()


@pytest.mark.parametrize("case", ["averaged", "whole", "marginal"])
@pytest.mark.parametrize("width", [360, 1280])
def test_in_a_browser(browser, tmp_path: Path, case: str, width: int):
    path = tmp_path / "a.html"
    page.write(sheet(case), path)
    shown = browser.new_page(viewport={"width": width, "height": 800})
    requests, errors = [], []
    shown.on("request", lambda request: requests.append(request.url))
    shown.on("console", lambda message: errors.append(message.text))
    shown.goto(path.as_uri())
    assert [url for url in requests if not url.startswith("data:")] == [path.as_uri()]
    assert shown.evaluate("document.documentElement.scrollWidth") <= width
    assert errors == []
    shown.close()
