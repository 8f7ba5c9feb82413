"""The documentation is true: what follows from the code is current, every configuration shown is accepted."""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import generate
import pytest
from support import members_of, validate

from pystatic_tasks.config.convert import keys
from pystatic_tasks.config.model import ENGINE_NAMES, Freeze, ImageOptions, Smoke
from pystatic_tasks.config.options import KNOWN
from pystatic_tasks.config.project import TABLE, read_pyproject
from pystatic_tasks.config.sources import read_table
from pystatic_tasks.in_image.servers.server import Server

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").rglob("*.md"))]


def test_what_is_generated_is_current() -> None:
    stale = [path.name for path in generate.stale()]
    assert stale == [], f"renew them by: {generate.COMMAND}"


def test_markers_and_what_stands_around_them_stay() -> None:
    page = f"before\n{generate.BEGIN}old\n{generate.END}after\n"
    assert generate.between_markers(page, "new") == f"before\n{generate.BEGIN}\nnew\n{generate.END}after\n"


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("hidden-imports", "| `hidden-imports` | Modules that are imported by name only. | |"),
        (
            "timeout",
            "| `timeout` | Seconds until the first answer, for each one, or until the program ends. | `30.0` |",
        ),
        ("ports", "| `ports` | Ports to expose. | those that the server listens on |"),
        ("tags", '| `tags` | Tags, or whole references such as `"registry.example/shop:1.4"`. | `["latest"]` |'),
    ],
)
def test_a_row_says_what_a_key_means_and_what_holds_without_it(name: str, row: str) -> None:
    fields = {**keys(Freeze), **keys(ImageOptions), **keys(Smoke)}
    assert generate.markdown_table({name: fields[name]}).splitlines()[-1] == row


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    """To a page of the documentation, and to a title of that where one is named."""
    links = re.findall(r"\]\(([^):]*)\)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not leads_somewhere(page, link)] == []


def leads_somewhere(page: Path, link: str) -> bool:
    path, _, anchor = link.partition("#")
    target = page.parent / path if path else page
    if not anchor or not target.exists():
        return target.exists()
    titles = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), re.MULTILINE)
    return anchor in [re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles]


@pytest.mark.parametrize("option", KNOWN.split(", "))
def test_every_option_is_in_the_reference(option: str) -> None:
    assert f"| `{option}` | " in REFERENCE


def test_the_engines_are_in_the_reference_in_their_order() -> None:
    table = REFERENCE.partition("\n## Engines\n")[2].partition("\n## ")[0]
    assert tuple(re.findall(r"^\| `(.*?)` \|", table, re.MULTILINE)) == ENGINE_NAMES


def test_the_engine_that_is_shown_is_one_that_is_there() -> None:
    page = (ROOT / "docs" / "add-an-engine.md").read_text(encoding="utf-8")
    engine = (ROOT / "pystatic_tasks" / "engines" / "nerdctl.py").read_text(encoding="utf-8")
    assert f"```python\n{engine}```\n" in page


def shown_configurations() -> list[Any]:
    blocks = [
        pytest.param(block, id=f"{page.name}-{number}")
        for page in PAGES
        for number, block in enumerate(re.findall(r"```toml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL))
        if f"[tool.{TABLE}" in block
    ]
    assert blocks
    return blocks


@pytest.mark.parametrize("block", shown_configurations())
def test_every_configuration_shown_is_accepted(block: str, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(block, encoding="utf-8")
    pyproject = read_pyproject(tmp_path)
    validate(pyproject, "pyproject.schema.json")
    table = pyproject["tool"][TABLE]
    for each in (table, *table.pop("images", {}).values()):
        assert read_table("", each).problems == []


def test_the_example_of_a_server_is_a_whole_one() -> None:
    page = (ROOT / "docs" / "add-a-server.md").read_text(encoding="utf-8")
    [code] = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    names: dict[str, Any] = {"__package__": "pystatic_tasks.in_image.servers", "__name__": "example"}
    exec(compile(code, "granian.py", "exec", dont_inherit=True), names)
    assert [name for name in members_of(Server) if not hasattr(names["SERVER"], name)] == []


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
    folder = ROOT / "tests" / "projects" / project
    files = [*folder.rglob("*.py"), *folder.glob("*.sh"), folder / "pyproject.toml"]
    assert any(snippet in path.read_text(encoding="utf-8") for path in files)


WORKFLOW = "name: shop\non: push\n"
STEPS = "permissions: { contents: read }\njobs:\n  image:\n    runs-on: ubuntu-24.04\n    steps:\n"


def workflows() -> list[str]:
    """Those of GitHub Actions that are shown, each with what the page leaves to its reader."""
    pages = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    shown = re.findall(r"```yaml\n# GitHub Actions\n(.*?)```", pages, re.DOTALL)
    return [whole_workflow(each) for each in shown]


def whole_workflow(shown: str) -> str:
    if "\non:\n" in shown:
        return shown
    return WORKFLOW + (STEPS + textwrap.indent(shown, " " * 6) if shown.startswith("- ") else shown)


def test_the_workflows_that_are_shown_are_safe(tmp_path: Path) -> None:
    for number, text in enumerate(workflows()):
        (tmp_path / f"{number}.yml").write_text(text, encoding="utf-8")
    files = sorted(tmp_path.iterdir())
    assert files
    zizmor = Path(sys.executable).with_name("zizmor")
    if sys.version_info < (3, 11):
        pytest.skip("zizmor wants a newer Python")
    options = ("--offline", "--no-config", "--no-progress", "--quiet")
    checked = subprocess.run([zizmor, *options, *files], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout
