"""`compare.html`: its structure by the standard library's parser, its behaviour in a browser."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from nelbo.report import html

from .build import CASES, comparison

CHROMIUM = Path("/usr/bin/chromium")
VOID = {"meta", "link", "img", "path", "use", "br", "hr", "input", "rect", "circle", "polyline"}


class Tree(HTMLParser):
    """Every start tag with its attributes, the text, and whether the tags are balanced."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID or (tag in {"rect", "circle", "polyline"}):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not self.open or self.open[-1] not in {"style", "script"}:
            self.text += data

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]


IN_CHINESE = [(case, "zh") for case in ("collapse", "refused", "vector")]


@pytest.mark.parametrize(("case", "lang"), [*((case, "en") for case in CASES), *IN_CHINESE])
def test_every_case_makes_a_sound_page(case: str, lang: str):
    page = html.page(CASES[case], lang)
    tree = Tree(page)
    assert tree.open == []
    assert len(tree.named("h1")) == 1
    assert tree.named("html")[0]["lang"] == {"en": "en", "zh": "zh-CN"}[lang]
    assert all(image["alt"] for image in tree.named("img"))
    assert all(svg.get("aria-label") for svg in tree.named("svg") if svg.get("role") == "img")
    assert "nan" not in re.sub(r'base64,[^"]*', "", page).lower().replace("nanosecond", "")
    assert "None" not in tree.text
    assert len(page.encode()) < 2_000_000


@pytest.mark.parametrize("case", ["collapse", "vector", "rgb"])
def test_nothing_is_fetched(case: str):
    page = html.page(CASES[case])
    for tag, attrs in Tree(page).tags:
        for name in ("src", "href"):
            link = attrs.get(name) or "data:"
            assert link.startswith(("data:", "#")), (tag, link)
    assert not re.search(r"url\(|@import|https?://", page)


def test_the_rows_come_in_order_with_verdicts_in_words():
    page = html.page(comparison())
    figures = [a["class"] for a in Tree(page).named("figure") if "row" in (a.get("class") or "")]
    assert figures == [
        "row originals",
        "row learns",
        "row collapses",
        "row learns",
        "row learns",
        "row learns",
    ]
    assert "Gaussian, variance 392" in page
    assert "collapses</span>" in page


def test_alternative_texts_have_the_numbers():
    alts = " ".join(image["alt"] or "" for image in Tree(html.page(comparison())).named("img"))
    assert "by F.mean_squared_error (collapses): squared error 53.1 per image" in alts
    assert "the best constant has 52.8" in alts
    assert "KL 0.000100 nats per image" in alts


def test_names_are_escaped():
    c = CASES["no collapse"]
    page = html.page(comparison(data='<script>alert("x")</script>', rows=c.rows))
    assert "<script>alert" not in page


def test_refused_losses_are_named():
    text = Tree(html.page(CASES["refused"])).text
    assert "Not run on this data" in text
    assert "data for Bernoulli: expected [0, 1]." in text


def test_headings_follow_the_order_of_the_page():
    page = html.page(comparison())
    ids = re.findall(r'<h2 id="(\w+)"', page)
    assert ids == ["evidence", "why", "numbers", "training", "fix", "made"]


def test_write_replaces_whole_files(tmp_path: Path):
    path = tmp_path / "compare.html"
    html.write(comparison(), path)
    html.write(comparison(), path, "zh")
    assert "坍缩" in path.read_text(encoding="utf-8")
    assert [p.name for p in path.parent.iterdir()] == ["compare.html"]


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


@pytest.mark.parametrize("case", ["collapse", "vector"])
@pytest.mark.parametrize("width", [390, 1280])
def test_in_a_browser(browser, tmp_path: Path, case: str, width: int):
    path = tmp_path / "compare.html"
    html.write(CASES[case], path)
    page = browser.new_page(viewport={"width": width, "height": 800})
    requests, errors = [], []
    page.on("request", lambda request: requests.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text))
    page.goto(path.as_uri())
    asked = [url for url in requests if not url.startswith("data:")]
    assert asked == [path.as_uri()]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.get_by_role("button", name="margin").click()
    firsts = page.locator("table.sortable tbody th").all_inner_texts()
    assert firsts[0] == "continuous_bernoulli"
    assert firsts[-1] == "F.mean_squared_error"
    assert errors == []
    page.close()


def test_readable_without_scripts(browser, tmp_path: Path):
    path = tmp_path / "compare.html"
    html.write(comparison(), path)
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(path.as_uri())
    assert page.locator("table.sortable tbody tr").count() == 5
    assert page.locator("button").count() == 0
    context.close()
