"""The documentation as a site: every page is reached, every link leads somewhere, and nothing is fetched."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import pytest
import website
from support import REPOSITORY

SECTION = re.compile(r'<label class="md-nav__title" for="__nav_\d">(.*?)</label>', re.DOTALL)
FETCHED = re.compile(r"<(?:script|img|iframe|source|link rel=\"?stylesheet\"?)\b[^>]*=[\"']?((?:https?:)?//[^\"' >]*)")
IN_STYLE = re.compile(r"(?:url\(|@import )[\"']?(?:https?:)?//[^)]*")
if sys.version_info < (3, 11):
    pytest.skip("Zensical wants a newer Python", allow_module_level=True)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the finished site."""
    return website.build(REPOSITORY, tmp_path_factory.mktemp("site") / "build").parent


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """What the site is made of, to be changed."""
    root = tmp_path / "repository"
    shutil.copytree(REPOSITORY / "docs", root / "docs")
    for page in REPOSITORY.glob("*.md"):
        shutil.copy(page, root)
    for folder in ("bench", "pystatic_tasks", "sample_app", "tests"):
        (root / folder).symlink_to(REPOSITORY / folder)
    return root


def broken(root: Path) -> str:
    """Why no site can be made."""
    with pytest.raises(website.BrokenError) as raised:
        website.build(root, root.parent / "build")
    return str(raised.value)


def append(page: Path, text: str) -> None:
    page.write_text(page.read_text(encoding="utf-8") + text, encoding="utf-8")


def text_of(html: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", "", html).split())


def test_the_menu_shows_the_kinds_and_every_page(site: Path) -> None:
    start = (site / "index.html").read_text(encoding="utf-8")
    assert [text_of(each) for each in SECTION.findall(start)] == list(website.KINDS)
    missing = [page for page in website.pages(REPOSITORY) if f'href="{html_of(page)}" class="md-nav__link' not in start]
    assert missing == []


def html_of(page: str) -> str:
    """How the first page of the site calls it."""
    return "index.html" if page == "README.md" else "./" + website.place(page).replace(".md", ".html")


def test_no_page_fetches_anything_from_elsewhere(site: Path) -> None:
    fetched = [found for path in site.rglob("*.html") for found in FETCHED.findall(path.read_text(encoding="utf-8"))]
    styles = [path.read_text(encoding="utf-8") for path in site.rglob("*.css")]
    assert styles
    fetched += [
        found for style in styles for found in re.findall(r"(?:url\(|@import )[\"']?(?:https?:)?//[^)]*", style)
    ]
    assert fetched == []


def test_pages_that_are_opened_as_files_can_be_searched(site: Path) -> None:
    """The index lies in a script, beside what stands in for a worker, which browsers do not start from a file."""
    assert (site / "search.js").read_text(encoding="utf-8").startswith("var __index = ")
    for page, script in (("index.html", "./iframe-worker.js"), ("places/mac.html", "../iframe-worker.js")):
        assert f'<script src="{script}" ' in (site / page).read_text(encoding="utf-8")
    assert (site / "iframe-worker.js").exists()
    assert (site / "iframe-worker.LICENSE.txt").exists()


def test_what_is_not_in_the_site_is_named_by_its_path(site: Path) -> None:
    assert "The project (<code>tests/projects/adopt_flask_nox</code>) has" in (site / "tutorial.html").read_text(
        "utf-8"
    )


def test_lists_tables_and_code_are_what_they_are_on_github(site: Path) -> None:
    """No line of a list, a table or a block of code is read as a paragraph."""
    for path in site.rglob("*.html"):
        article = path.read_text(encoding="utf-8").partition("<article")[2]
        paragraphs = re.findall(r"<p>(.*?)</p>", article, re.DOTALL)
        assert [each for each in paragraphs if re.search(r"(^|\n)\s*([-*] |\d+\. |\||```)", each)] == [], path.name


def test_a_link_to_a_page_that_is_not_there_ends_it(copy: Path) -> None:
    append(copy / "docs" / "places" / "mac.md", "\nSee [more](../moore.md#all).\n")
    assert broken(copy) == "docs/places/mac.md has a link to ../moore.md#all, which is not there."


def test_a_link_of_the_readme_that_leads_nowhere_ends_it(copy: Path) -> None:
    append(copy / "README.md", "\nSee [more](docs/moore.md).\n")
    assert broken(copy) == "README.md has a link to docs/moore.md, which is not there."


def test_links_to_titles_that_are_not_there_end_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "repository"
    shutil.copytree(REPOSITORY / website.SETTINGS, root / website.SETTINGS)
    (root / "README.md").write_text("# All\n\n[more](docs/how-to.md#no-such-title) [here](#no-such-title)\n", "utf-8")
    (root / "docs/how-to.md").write_text("# More\n", encoding="utf-8")
    monkeypatch.setattr(website, "KINDS", {"All": ["README.md", "docs/how-to.md"]})
    said = broken(root)
    assert said.count("Warning: anchor does not exist\n") == 2
    assert said.count("[ index.md:") == 2
    assert said.endswith("2 issues found\n")


def test_a_page_of_no_kind_ends_it(copy: Path) -> None:
    (copy / "docs" / "new.md").write_text("# New\n", encoding="utf-8")
    assert broken(copy) == ("docs/new.md is of no kind, so no menu would show it. Add it to KINDS in docs/website.py.")


def test_a_page_of_the_menu_that_is_gone_ends_it(copy: Path) -> None:
    (copy / "docs" / "layouts.md").unlink()
    assert broken(copy) == "There is no page docs/layouts.md. Correct KINDS in docs/website.py."


def test_links_in_blocks_of_code_stay(tmp_path: Path) -> None:
    page = "a [b](docs/c.md)\n```toml\n[x](docs/c.md)\n```\n[![p](docs/p.svg)](docs/c.md) [w](https://w.example/c.md)\n"
    (tmp_path / "docs").mkdir()
    for name, text in (("README.md", page), ("docs/c.md", ""), ("docs/p.svg", "")):
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert website.as_in_site(tmp_path, "README.md") == (
        "a [b](c.md)\n```toml\n[x](docs/c.md)\n```\n[![p](p.svg)](c.md) [w](https://w.example/c.md)\n"
    )
