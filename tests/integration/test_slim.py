"""Slim images: what was never used is left out, on record, and said where it is asked for after all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support import Project, only_everywhere, tool_or_skip, write_project

from pystatic_tasks import load_config
from pystatic_tasks.in_env.freeze.character_names import CHARACTER_NAMES, has_tables
from pystatic_tasks.steps.slim_lock import read_lock

FILES = {
    "pyproject.toml": """\
[project]
name = "shop"
version = "1.0"

[tool.pystatic-tasks]
app = "shop:app"
install = []
smoke.requests = [{ path = "/csv" }, { path = "/health" }]
""",
    "shop.py": """\
def app(environ, start_response):
    if environ["PATH_INFO"] == "/csv":
        import csv

        text = csv.__name__
    elif environ["PATH_INFO"] == "/colour":
        from colorsys import rgb_to_hsv

        text = rgb_to_hsv.__name__
    else:
        text = "ok"
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [text.encode()]
""",
}
WORDS = ("-s", "smoke", "--", "--engine", "sandbox")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A shop that is slim by its own requests."""
    tool_or_skip("uv")
    project = write_project(tmp_path_factory.mktemp("slim") / "shop", FILES, "shop", backend="uv")
    project.nox("-s", "image", "slim", "--", "--engine", "sandbox")
    (project.root / "whole.tar").write_bytes(project.result("image.tar").read_bytes())
    return project


def sizes(project: Project) -> tuple[int, int]:
    image: dict[str, Any] = project.manifest("image.json")
    return image["size_bytes"], image["compressed_bytes"]


def test_the_lock_says_what_goes_and_why_the_rest_stays(shop: Project) -> None:
    [config] = load_config(shop.root)
    lock = read_lock(config)
    assert lock is not None
    assert {"colorsys", "encodings.cp037", *([CHARACTER_NAMES] if has_tables() else [])} <= lock.names_left_out
    assert "csv" in {*lock.kept.get("GET /csv", ()), *lock.kept["start"]}
    before = (shop.root / "pystatic.lock").read_bytes()
    assert "pystatic.lock: shop leaves out" in shop.nox("-s", "slim")
    assert (shop.root / "pystatic.lock").read_bytes() == before


@only_everywhere
def test_packed_by_staticx_it_keeps_its_contract_and_is_smaller(shop: Project) -> None:
    """By the launcher, and as a tree, the sample app does (test_slim_figures)."""
    variables = {"PYSTATIC_TASKS_PACKER": "staticx"}
    lock = shop.root / "pystatic.lock"
    aside = lock.rename(lock.with_name("aside"))
    shop.nox("-s", "image", "--", "--engine", "sandbox", **variables)  # type: ignore[arg-type]
    whole = sizes(shop)
    aside.rename(lock)
    assert "FAILED" not in shop.nox(*WORDS, **variables)  # type: ignore[arg-type]
    slim = sizes(shop)
    print(f"staticx: {whole} bytes on disk and on the wire, slim {slim}")
    assert slim[0] < 0.93 * whole[0]
    assert slim[1] < 0.93 * whole[1]
    components = {each["name"] for each in shop.manifest("sbom.cdx.json")["components"]}
    assert "gunicorn" in components


def test_without_tls_nothing_of_openssl_is_in_it(shop: Project) -> None:
    printed = shop.nox(*WORDS, PYSTATIC_TASKS_SLIM_TLS="false", PYSTATIC_TASKS_LAYOUT="tree")
    assert "FAILED" not in printed
    components = shop.manifest("sbom.cdx.json")["components"]
    files = {each["location"] for one in components for each in one.get("evidence", {}).get("occurrences", [])}
    assert not [path for path in files if any(part in path for part in ("libssl", "libcrypto", "_ssl.", "_hashlib"))]
    print(f"tree without TLS: {sizes(shop)}")


def test_what_is_missing_after_all_is_named_with_the_line_that_keeps_it_and_repaired(
    shop: Project, tmp_path: Path
) -> None:
    shop.configure('{ path = "/health" }', '{ path = "/health" }, { path = "/colour" }')
    try:
        printed = shop.nox(*WORDS, "--no-observe", ok=False)
        assert (
            "ModuleNotFoundError: No module named 'colorsys': slim left it out; keep it by slim.keep = [\"colorsys\"]"
        ) in printed
        assert (
            'The program imports "colorsys", which pystatic.lock leaves out. '
            "Add this to [tool.pystatic-tasks.slim] in pyproject.toml, "
            'or write it as slim.keep under [tool.pystatic-tasks]:\n  keep = ["colorsys"]\n'
        ) in printed
        assert "FAILED" not in shop.nox(*WORDS, "--no-observe", "--fix").rpartition("Running session freeze")[2]
        [config] = load_config(shop.root)
        assert config.slim.keep == ("colorsys",)
    finally:
        (shop.root / "pyproject.toml").write_text(FILES["pyproject.toml"], encoding="utf-8")
