from __future__ import annotations

import webbrowser
from pathlib import Path

import pytest
from pages import FILES, configured, contents_of
from support import BUILT, FROZEN

from pystatic_tasks.config import ImageConfig
from pystatic_tasks.steps.context import StepContext
from pystatic_tasks.steps.manifest import write_manifest
from pystatic_tasks.steps.report.step import report
from pystatic_tasks.steps.report_page import as_json


@pytest.fixture
def shop(tmp_path: Path) -> ImageConfig:
    """An image that was built."""
    made = configured(root=tmp_path, project=tmp_path)
    made.dist.mkdir(parents=True)
    (made.dist / "contents.json").write_text(as_json(contents_of(FILES)), encoding="utf-8")
    write_manifest(made, FROZEN, inputs="", outputs=[])
    write_manifest(made, BUILT, inputs="", outputs=[])
    return made


def test_the_page_is_written_and_not_opened_unless_that_is_asked_for(
    shop: ImageConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser, opened = tmp_path / "browser", tmp_path / "opened"
    browser.write_text(f'#!/bin/sh\necho "$1" > {opened}\n', encoding="utf-8")
    browser.chmod(0o755)
    monkeypatch.setenv("BROWSER", str(browser))
    # Looks anew for what is there.
    monkeypatch.setattr(webbrowser, "_tryorder", None)
    said: list[str] = []
    report(shop, StepContext(say=said.append))
    assert said == ["dist/pystatic/shop/report.html: where the bytes and the milliseconds are"]
    assert not opened.exists()
    page = report(shop, StepContext(say=said.append, opens=True))
    assert opened.read_text(encoding="utf-8") == f"{page.as_uri()}\n"


def test_where_there_is_no_browser_the_address_is_said(shop: ImageConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webbrowser, "_tryorder", [])
    said: list[str] = []
    page = report(shop, StepContext(say=said.append, opens=True))
    assert said[1:] == [f"no browser found; open {page.as_uri()}"]
