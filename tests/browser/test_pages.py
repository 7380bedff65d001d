"""Every page of a run in a real browser: nothing is fetched, nothing overflows, everybody can read it.

Started by .ci/run with a run's folder in CRM_REPORT_FOLDER; without one, the newest run under reports/.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

CHECKOUT = Path(__file__).resolve().parents[2]
CHROMIUM = os.environ.get("CRM_CHROMIUM", "/usr/bin/chromium")
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
READERS = {
    "desktop": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 375, "height": 740}, "color_scheme": "light"},
    "phone, dark": {"viewport": {"width": 375, "height": 740}, "color_scheme": "dark"},
}
_SERIOUS = ("serious", "critical")
_BROKEN_WORDS = """selector => [...document.querySelectorAll(selector)].flatMap(cell => {
    const broken = [], texts = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
        for (const word of texts.currentNode.data.matchAll(/[A-Za-z]{3,}/g)) {
            const range = document.createRange();
            range.setStart(texts.currentNode, word.index);
            range.setEnd(texts.currentNode, word.index + word[0].length);
            const boxes = [...range.getClientRects()].filter(box => box.width > 0);
            if (new Set(boxes.map(box => Math.round(box.top))).size > 1) broken.push(word[0]);
        }
    }
    return broken;
})"""


def run_folder() -> Path:
    """The run that is looked at."""
    stated = os.environ.get("CRM_REPORT_FOLDER")
    runs = sorted((CHECKOUT / "reports").glob("*/*/manifest.json"), key=lambda path: path.stat().st_mtime)
    published = [path.parent for path in runs if not path.parent.name.startswith(".")]
    if not stated and not published:
        raise FileNotFoundError("no run under reports/: make report first, or name one in CRM_REPORT_FOLDER")
    return Path(stated).resolve() if stated else published[-1]


def pages() -> list[Path]:
    """The run's pages and the company's index of runs."""
    folder = run_folder()
    return [path for path in [*sorted(folder.glob("*.html")), folder.parent / "index.html"] if path.is_file()]


every_page = pytest.mark.parametrize("path", pages(), ids=lambda path: f"{path.parent.name}/{path.name}")
every_reader = pytest.mark.parametrize("reader", READERS)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield launched
        launched.close()


@pytest.fixture
def opened(browser: Browser, path: Path, reader: str) -> Iterator[tuple[Page, list[str]]]:
    """The page as a reader opens it, and everything that went wrong while it opened."""
    context = browser.new_context(**READERS[reader])  # type: ignore[arg-type]
    page = context.new_page()
    faults: list[str] = []
    page.on("console", lambda message: faults.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: faults.append(f"error: {error}"))
    page.on("request", lambda request: faults.append(f"request: {request.url}"))
    page.goto(path.as_uri())
    faults.remove(f"request: {path.as_uri()}")
    yield page, faults
    context.close()


@every_page
@every_reader
def test_it_opens_without_a_request_or_an_error(opened: tuple[Page, list[str]]) -> None:
    page, faults = opened
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
    assert faults == []


@every_page
@every_reader
def test_it_is_no_wider_than_the_screen(opened: tuple[Page, list[str]]) -> None:
    page, _ = opened
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0


@every_page
@every_reader
def test_everybody_can_read_it(opened: tuple[Page, list[str]]) -> None:
    page, _ = opened
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
    violations = Axe().run(page).response["violations"]
    serious = [violation for violation in violations if violation["impact"] in _SERIOUS]
    assert [(v["id"], [node["target"] for node in v["nodes"]][:3]) for v in serious] == []


@every_page
@pytest.mark.parametrize("reader", ["desktop"])
def test_only_controls_and_what_scrolls_take_the_keyboard(opened: tuple[Page, list[str]]) -> None:
    page, _ = opened
    stops = page.evaluate("[...document.querySelectorAll('[tabindex]')].map(e => e.className)")
    assert set(stops) <= {"scroll"}


@every_page
@pytest.mark.parametrize("reader", ["desktop"])
def test_one_drawing_of_each_chart_is_seen(opened: tuple[Page, list[str]]) -> None:
    page, _ = opened
    shown = page.evaluate(
        "[...document.querySelectorAll('.chart')]"
        ".map(chart => [...chart.children].filter(drawing => drawing.offsetHeight > 20).length)"
    )
    assert set(shown) <= {1}


@every_page
@pytest.mark.parametrize("reader", ["desktop"])
def test_on_paper_nothing_is_cut(opened: tuple[Page, list[str]]) -> None:
    page, _ = opened
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 690, "height": 980})  # A4 between its margins
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    assert page.pdf(format="A4")[:4] == b"%PDF"
    assert page.evaluate(_BROKEN_WORDS, "h1, h2, thead th") == []


@every_page
@pytest.mark.parametrize("reader", ["phone"])
def test_on_a_phone_no_word_of_a_table_is_broken(opened: tuple[Page, list[str]]) -> None:
    page, _ = opened
    assert page.evaluate(_BROKEN_WORDS, "h1, h2, th, td") == []


@every_page
@pytest.mark.parametrize("reader", ["dark"])
def test_on_paper_a_table_goes_on_with_its_head_in_dark_ink(opened: tuple[Page, list[str]]) -> None:
    page, _ = opened
    page.emulate_media(media="print")
    style = (
        "([selector, name]) => [...document.querySelectorAll(selector)].map(e => getComputedStyle(e)[name])"
    )
    # a box that measures its inside is never divided, and a button is not drawn in a head that is repeated
    assert set(page.evaluate(style, [".scroll", "containerType"])) <= {"normal"}
    assert set(page.evaluate(style, ["thead button", "display"])) <= {"contents"}
    assert set(page.evaluate(style, ["h1, h2", "breakInside"])) == {"avoid"}
    assert page.evaluate(style, ["body", "color"]) == ["rgb(17, 17, 17)"]


@every_page
@pytest.mark.parametrize("reader", ["desktop"])
def test_every_local_link_leads_somewhere(opened: tuple[Page, list[str]]) -> None:
    page, _ = opened
    targets = page.evaluate("[...document.links].map(a => a.href).filter(h => h.startsWith('file:'))")
    lost = [target for target in targets if not Path(url2pathname(urlsplit(target).path)).exists()]
    assert lost == []


@every_page
@pytest.mark.parametrize("reader", ["desktop"])
def test_a_click_on_a_head_sorts_the_table(opened: tuple[Page, list[str]]) -> None:
    page, _ = opened
    heads = page.locator("thead button")
    if heads.count():
        heads.first.click()
        assert page.locator("th[aria-sort=descending]").count() == 1


@pytest.mark.parametrize("path", pages()[:1], ids=lambda path: path.name)
@pytest.mark.parametrize("reader", ["desktop"])
def test_a_name_is_sorted_by_all_its_parts(opened: tuple[Page, list[str]]) -> None:
    page, _ = opened
    table = page.locator("table").filter(has=page.get_by_role("button", name="Maps to"))
    if table.count():
        table.get_by_role("button", name="Maps to").click()
        names = table.locator("tbody tr > :nth-child(3)").all_inner_texts()
        assert names == page.evaluate("names => names.sort((a, b) => b.localeCompare(a))", names)
