from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from pages import FILES, PACKAGES, START, contents_of, page, records
from support import BUILT

from pystatic_tasks.in_env.protocol import Component
from pystatic_tasks.report.contents import list_contents
from pystatic_tasks.report.page import listed_image
from pystatic_tasks.report.render import change, embedded, index_html, page_html, percent

EVIL = "<script>alert(1)</script>"
EVIL_FILE = "</script><img src=x onerror=alert(1)>.pyc"


class Elements(HTMLParser):
    """The elements of a page, and the texts of scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for each, attributes in self.found if each == tag]


def evil_page() -> str:
    files = {**FILES, EVIL: [(f"{PACKAGES}{EVIL_FILE}", "third-party", 2_000_000)]}
    found = records(files)
    evidence = replace(found.evidence, imported_by={"falcon": (EVIL,)})
    return page_html(page(contents=found.contents, components=found.components, evidence=evidence))


def test_names_of_packages_and_files_are_texts_and_nothing_else() -> None:
    elements = Elements(evil_page())
    assert [each.get("id") for each in elements.of("script")] == ["data", None]
    assert elements.of("img") == []
    assert EVIL not in evil_page()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in evil_page()


def test_what_the_script_reads_is_what_was_written() -> None:
    text = re.search(r'<script type="application/json" id="data">(.*?)</script>', evil_page(), re.DOTALL)
    assert text
    data = json.loads(text[1])
    assert EVIL in [each[0] for each in data["components"]]
    assert EVIL in data["names"]


def test_whatever_components_are_called_they_have_a_page(odd_components: list[Component]) -> None:
    sizes = {f"{PACKAGES}{number}/x.pyc": (9, "third-party") for number in range(len(odd_components))}
    components = [replace(each, files=(path,)) for each, path in zip(odd_components, sizes, strict=True)]
    contents = list_contents(BUILT, components, sizes, {}, frozen_bytes=9, executable_bytes=None)
    text = page_html(page(contents=contents, components=components))
    assert [each.get("id") for each in Elements(text).of("script")] == ["data", None]


@pytest.mark.parametrize("text", ["</script>", "<!--", "a & b", "\u2028", "größe"])
def test_json_ends_no_element(text: str) -> None:
    written = embedded({"name": text})
    assert not set("<>&\u2028\u2029") & set(written)
    assert json.loads(written) == {"name": text}


def test_the_page_is_one_file_that_asks_for_nothing() -> None:
    text = page_html(page())
    elements = Elements(text)
    assert [each.get("href") for each in elements.of("link")] == ["data:,"]
    assert not [each for each in elements.of("script") if "src" in each]
    assert not re.search(r"url\(|@import|https?://(?!www\.w3\.org)", re.sub(r"//.*", "", text.partition("<style>")[2]))
    policy = next(each["content"] for each in elements.of("meta") if each.get("http-equiv"))
    assert policy
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    # Which lets styles of elements be set by the script only.
    assert not [each for _, each in elements.found if "style" in each]


def test_the_same_records_give_the_same_bytes() -> None:
    assert page_html(page()) == page_html(page())


def test_every_link_of_the_page_leads_somewhere() -> None:
    elements = Elements(page_html(page()))
    places = {each.get("id") for _, each in elements.found}
    assert {(each["href"] or "").removeprefix("#") for each in elements.of("a")} <= places


def test_the_first_things_say_how_to_be_rid_of_them() -> None:
    text = " ".join(re.sub(r"<[^>]*>", " ", page_html(page())).split())
    assert "The three largest things of 15.72 MB unpacked" in text
    assert "5.40 MB 34 %, ≈ 1.37 MB on the wire" in text
    assert "Get rid of it: slim.tls = false" in text
    assert "Get rid of 0.20 MB of it: slim.tls = false" in text


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        (
            {"proof": None},
            "This image has not been checked against its contract yet: <code>nox -s smoke</code> checks it.",
        ),
        ({"start": None}, "Not measured yet: <code>nox -s smoke</code> measures it."),
        ({"before": None}, "There is no previous image to compare with."),
        ({"before": contents_of(FILES)}, "No component changed in size since the previous image."),
        ({"not_observed": "it ended with 1"}, "The service was not observed: it ended with 1. So this page cannot say"),
    ],
)
def test_what_is_not_on_record_is_said(changed: dict[str, object], sentence: str) -> None:
    assert sentence in page_html(page(**changed))


def test_the_parts_of_a_start_are_bars_one_after_the_other_and_rows_of_a_table() -> None:
    parts = (("container", 40.0), ("unpacking", 60.0), ("interpreter", 20.0), ("imports", 50.0), ("server", 30.0))
    text = page_html(page(start=replace(START, parts=parts)))
    bars = [(each["x"], each["width"], each.get("data-layer")) for each in Elements(text).of("rect")]
    assert bars == [
        ("0.00", "20.00", None),
        ("20.00", "30.00", None),
        ("50.00", "10.00", None),
        ("60.00", "2.00", "Python"),
        ("62.00", "18.00", "dependencies"),
        ("80.00", "5.00", "the project"),
        ("85.00", "15.00", None),
    ]
    assert '<th scope="row">unpacking</th><td class="number">60 ms</td><td class="number">30 %</td>' in text
    assert "A separate run measured the imports and took 200 ms; compare its phases only with one another." in text


def test_an_index_has_a_row_for_each_image_with_a_link_to_its_page() -> None:
    images = [
        listed_image(replace(contents_of(FILES), name=name), None, has_page=name != "other") for name in (EVIL, "other")
    ]
    elements = Elements(index_html(images))
    assert [each.get("href") for each in elements.of("a")] == [
        "#main",
        "%3Cscript%3Ealert%281%29%3C/script%3E/report.html",
    ]
    assert len(elements.of("tr")) == 3


def test_shares_and_changes_are_short() -> None:
    assert [percent(share) for share in (0.591, 0.01, 0.0042, 0.0001)] == ["59 %", "1 %", "0.4 %", "< 0.1 %"]
    assert [change(size) for size in (1_500_000, -2_100, 0)] == ["+1.50 MB", "\N{MINUS SIGN}2.1 kB", "±0 B"]
