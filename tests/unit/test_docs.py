"""The documentation is true: every key is in the reference, and every configuration shown is accepted."""

from __future__ import annotations

import re
import typing
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any

import pytest

from pystatic_tasks.config.convert import keys, types_of
from pystatic_tasks.config.model import Image, Request
from pystatic_tasks.config.sources import TABLE, read_table
from pystatic_tasks.options import KNOWN
from pystatic_tasks.project import read_pyproject

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def tables() -> dict[str, type]:
    nested = {key: types_of(Image)[field.name] for key, field in keys(Image).items()}
    return {key: typing.cast(type, cls) for key, cls in nested.items() if is_dataclass(cls)}


@pytest.mark.parametrize("key", [key for key in keys(Image) if key not in tables()])
def test_every_key_is_in_the_reference(key: str) -> None:
    assert f"| `{key}` | " in REFERENCE


@pytest.mark.parametrize(("table", "key"), [(table, key) for table, cls in tables().items() for key in keys(cls)])
def test_every_key_of_a_table_is_in_its_part_of_the_reference(table: str, key: str) -> None:
    part = REFERENCE.partition(f"`[tool.pystatic-tasks.{table}]`")[2].partition("`[tool.")[0]
    assert f"| `{key}` | " in part


@pytest.mark.parametrize("key", keys(Request))
def test_every_key_of_a_request_is_in_the_reference(key: str) -> None:
    assert f"`{key}`" in REFERENCE.partition("A request has ")[2].partition("\n")[0]


@pytest.mark.parametrize("option", KNOWN.split(", "))
def test_every_option_is_in_the_reference(option: str) -> None:
    assert f"| `{option}` | " in REFERENCE


def shown_configurations() -> list[Any]:
    blocks = [
        pytest.param(block, id=f"{page.name}-{number}")
        for page in PAGES
        for number, block in enumerate(re.findall(r"```toml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL))
    ]
    assert blocks
    return blocks


@pytest.mark.parametrize("block", shown_configurations())
def test_every_configuration_shown_is_accepted(block: str, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(block, encoding="utf-8")
    table = read_pyproject(tmp_path)["tool"][TABLE]
    for each in (table, *table.pop("images", {}).values()):
        assert read_table("", each).problems == []


def framework_snippets() -> list[tuple[str, str]]:
    """The projects that the page of frameworks speaks of, each with a snippet."""
    page = (ROOT / "docs" / "frameworks.md").read_text(encoding="utf-8")
    found = []
    for part in re.split(r"\.\./tests/projects/", page)[1:]:
        name = re.match(r"\w*", part)
        found += [(name[0], snippet) for snippet in re.findall(r"```\w+\n(.*?)```", part, re.DOTALL) if name]
    return found


@pytest.mark.parametrize(("project", "snippet"), framework_snippets())
def test_snippets_for_frameworks_are_those_of_the_projects_that_are_tested(project: str, snippet: str) -> None:
    files = [
        *(ROOT / "tests" / "projects" / project).rglob("*.py"),
        ROOT / "tests/projects" / project / "pyproject.toml",
    ]
    assert any(snippet in path.read_text(encoding="utf-8") for path in files)
