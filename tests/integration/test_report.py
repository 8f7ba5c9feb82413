"""The page of an image, in a browser and of a real build."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pages import FILES, PACKAGES, contents_of, page, records
from shown import shown
from support import Project, tool_or_skip

from pystatic_tasks.report.render import page_html

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

# No more of the browser than what shows a page, and nothing that it does of itself.
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
EVIL = "<script>alert(1)</script>"
EVIL_FILE = "</script><img src=x onerror=alert(1)>.pyc"
MANY = 20_000
FIRST_PAINT_MS = 1_000
# What a page was painted at is known a little later. Polling would evaluate strings, which its policy forbids.
PAINTED_MS = """() => new Promise((known) => new PerformanceObserver((list) => {
    for (const each of list.getEntriesByName("first-contentful-paint")) known(each.startTime);
}).observe({ type: "paint", buffered: true }))"""
MOST_BYTES_OF_MANY = 1_500_000
Files = Mapping[str, Sequence[tuple[str, str, int]]]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    """Chromium with a profile of its own."""
    executable = tool_or_skip("chromium")
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    profile = tmp_path_factory.mktemp("profile")
    with api.sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            profile,
            executable_path=executable,
            args=FLAGS,
            headless=True,
            viewport={"width": 1280, "height": 900},
            permissions=["clipboard-read", "clipboard-write"],
        )
        yield context
        context.close()


class Tab:
    """A page in a browser, with everything that it complains of."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", lambda dialog: self.complaints.append(dialog.message))
        page.on("request", lambda request: self.asked(request.url))

    def asked(self, url: str) -> None:
        if not url.startswith(("file:", "data:")):
            self.complaints.append(url)

    def text(self, selector: str) -> str:
        return self.page.locator(selector).inner_text()

    def focused(self) -> str:
        """What a screen reader says of what has the focus."""
        return str(self.page.evaluate("document.activeElement.getAttribute('aria-label')"))


@pytest.fixture
def tab(browser: BrowserContext, tmp_path: Path) -> Iterator[Tab]:
    page = browser.new_page()
    opened = Tab(page)
    yield opened
    page.close()
    assert opened.complaints == []


def open_page(tab: Tab, folder: Path, files: Files = FILES) -> Path:
    path = folder / "report.html"
    path.write_text(
        page_html(page(contents=contents_of(files), components=records(files).components)), encoding="utf-8"
    )
    tab.page.goto(path.as_uri())
    return path


def test_many_files_are_painted_at_once(tab: Tab, tmp_path: Path) -> None:
    def path(number: int) -> str:
        return f"{PACKAGES}part{number % 40}/sub{number % 400}/module{number}.pyc"

    parts: dict[str, list[tuple[str, str, int]]] = {}
    for number in range(MANY):
        parts.setdefault(f"part{number % 40}", []).append((path(number), "third-party", 500 + number % 9_000))
    written = open_page(tab, tmp_path, {**FILES, **parts})
    assert written.stat().st_size < MOST_BYTES_OF_MANY
    assert tab.page.evaluate(PAINTED_MS) < FIRST_PAINT_MS
    assert 100 < tab.page.locator("#treemap .tile").count() <= 1_500
    tab.page.fill("#search", "module19999")
    assert tab.text("#list-title").startswith("1 found")
    tab.page.locator("#list button").click()
    assert "part39/sub399/module19999.pyc" in tab.text("#details")


def test_names_from_elsewhere_are_shown_as_they_are(tab: Tab, tmp_path: Path) -> None:
    open_page(tab, tmp_path, {**FILES, EVIL: [(f"{PACKAGES}{EVIL_FILE}", "third-party", 9_000_000)]})
    assert EVIL in tab.text(".largest")
    tab.page.locator("#list button").first.click()
    assert EVIL in tab.text("#details")
    tab.page.fill("#search", "onerror")
    assert "onerror" in tab.text("#list")
    assert tab.page.locator("img").count() == 0


def test_a_click_tells_what_there_is_to_know_of_a_file(tab: Tab, tmp_path: Path) -> None:
    open_page(tab, tmp_path)
    tab.page.get_by_role("treeitem", name="app.pyc, 0.50").click()
    found = tab.text("#details")
    for words in (
        "app.pyc",
        "falcon 1.0, Python distribution",
        "MIT",
        "pkg:pypi/falcon@1.0",
        "imported by",
        "by GET /",
    ):
        assert words in found
    tab.page.get_by_role("treeitem", name="libcrypto.so.3").click()
    assert "libssl.so.3, _ssl" in tab.text("#details")
    tab.page.locator("#list button", has_text="sparepart").click()
    assert "never, as far as observed" in tab.text("#details")


def test_the_map_is_walked_through_by_the_keyboard(tab: Tab, tmp_path: Path) -> None:
    open_page(tab, tmp_path)
    tab.page.locator("#treemap [tabindex='0']").focus()
    press = tab.page.keyboard.press
    assert tab.focused().startswith("Python, ")
    press("ArrowRight")
    assert tab.focused().startswith("python, 7.09")
    press("ArrowLeft")
    assert tab.focused().startswith("Python, ")
    press("ArrowRight")
    press("Enter")
    assert tab.focused().startswith("bin, 6.80")
    assert tab.page.locator("#crumbs button").all_inner_texts() == ["the image", "Python"]
    press("Escape")
    assert tab.focused().startswith("python, 7.09")
    press("Home")
    press("End")
    assert tab.page.locator("#treemap [tabindex='0']").count() == 1


def test_areas_follow_the_measure(tab: Tab, tmp_path: Path) -> None:
    open_page(tab, tmp_path)
    assert "15.72" in tab.text("#crumbs")
    tab.page.get_by_label("in the image, compressed (estimate)").check()
    assert "4.00" in tab.text("#crumbs")


def test_it_is_light_and_dark_as_the_system_is_or_as_one_likes(tab: Tab, tmp_path: Path) -> None:
    open_page(tab, tmp_path)

    def paper() -> str:
        return str(tab.page.evaluate("getComputedStyle(document.body).backgroundColor"))

    tab.page.emulate_media(color_scheme="light")
    light = paper()
    tab.page.emulate_media(color_scheme="dark")
    assert paper() != light
    tab.page.get_by_role("button", name="Light").click()
    assert paper() == light
    tab.page.reload()
    assert paper() == light
    tab.page.get_by_role("button", name="Auto").click()
    assert paper() != light


def test_it_is_printed_without_what_only_a_screen_has(tab: Tab, tmp_path: Path) -> None:
    open_page(tab, tmp_path)
    tab.page.emulate_media(media="print", color_scheme="dark")
    assert not tab.page.locator("main > nav").is_visible()
    assert not tab.page.locator("#search").is_visible()
    assert tab.page.locator("#treemap").is_visible()
    assert tab.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert tab.page.pdf(format="A4").startswith(b"%PDF")


def test_the_bill_of_materials_is_filtered_sorted_and_copied(tab: Tab, tmp_path: Path) -> None:
    open_page(tab, tmp_path)
    tab.page.fill("#filter", "pypi mit")
    assert tab.text("#filtered") == "2 of 6 components"
    tab.page.get_by_role("button", name="component", exact=True).click()
    tab.page.get_by_role("button", name="Copy as CSV").click()
    tab.page.get_by_role("button", name="Copied").wait_for()
    assert tab.page.evaluate("navigator.clipboard.readText()").splitlines()[:3] == [
        "component,version,kind,licence,files,bytes,in the image,purl",
        "falcon,1.0,Python distribution,MIT,3,512000,130313,pkg:pypi/falcon@1.0",
        "sparepart,1.0,Python distribution,MIT,1,800000,203614,pkg:pypi/sparepart@1.0",
    ]


def test_imports_are_walked_through_too(tab: Tab, tmp_path: Path) -> None:
    open_page(tab, tmp_path)
    tab.page.locator("#imports [tabindex='0']").focus()
    tab.page.keyboard.press("ArrowRight")
    assert tab.text("#import-details") == "shop.web: 46.0 ms, 10.0 ms by itself"
    tab.page.keyboard.press("ArrowDown")
    assert tab.text("#import-details") == "falcon: 36.0 ms, 6.0 ms by itself"


def test_whatever_takes_input_has_a_name_and_headings_are_in_order(tab: Tab, tmp_path: Path) -> None:
    open_page(tab, tmp_path)
    nameless = "each => !(each.textContent.trim() || each.labels?.length || each.ariaLabel)"
    assert (
        tab.page.evaluate(f"[...document.querySelectorAll('button, input, [role=treeitem]')].filter({nameless}).length")
        == 0
    )
    levels = tab.page.evaluate("[...document.querySelectorAll('h1, h2, h3')].map(each => Number(each.tagName[1]))")
    assert levels[0] == 1
    assert all(second - first <= 1 for first, second in pairwise(levels))


def test_every_image_has_its_page(sample: Project, tmp_path: Path) -> None:
    """The same bytes each time, opened by whatever the user has for that, and told from what was seen of the app."""
    path = sample.root / "dist/pystatic/sample-app/report.html"
    built = path.read_bytes()
    opener = tmp_path / "browser"
    opener.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/opened\n', encoding="utf-8")
    opener.chmod(0o755)
    env = {"PYSTATIC_TASKS_SMOKE_ENGINE": "sandbox", "BROWSER": str(opener)}
    printed = shown("README.md", "nox -s report").typed(sample.root, env=env)
    assert shown("docs/how-to.md", "nox -s report").text == shown("README.md", "nox -s report").text
    assert "dist/pystatic/sample-app/report.html: where the bytes and the milliseconds are" in printed
    assert path.read_bytes() == built
    assert (tmp_path / "opened").read_text(encoding="utf-8").strip() == path.as_uri()
    text = built.decode()
    for words in ("Do without TLS", "Leave out what was never used", "falcon/", '"GET /health"', "random_number.api"):
        assert words in text or words.replace("/", "") in text
    assert len(built) < 300_000
    assert os.fsencode(sample.root) not in built
