"""The tasks of Invoke, by the versions of it that are supported, each in an environment of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from support import REPOSITORY, TAG, Project, clean_environment, tool_or_skip

UP_TO_DATE = "dist/pystatic/sample-app/image.tar is up to date"
SANDBOX = ("--engine", "sandbox")
TASKS = """
from invoke import task
from pystatic_tasks.tasks import collection

@task
def own_task(context):
    \"\"\"Mine.\"\"\"
    print("mine ran")

ns = collection(globals(), root={root!r})
"""


@dataclass(frozen=True)
class Invoke:
    """A folder with a tasks.py for the sample app, and an Invoke that reads it."""

    inv: Path
    folder: Path

    def run(self, *words: str, code: int = 0, **variables: str) -> str:
        """What `inv` printed; it must end with that exit code."""
        result = subprocess.run(
            [self.inv, *words],
            cwd=self.folder,
            env={**clean_environment(), **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert result.returncode == code, result.stdout
        return result.stdout


@pytest.fixture(scope="module", params=["2.2.1", "3.0.3"])
def program(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`inv` of one version, beside this project."""
    uv = tool_or_skip("uv")
    folder = tmp_path_factory.mktemp("invoke") / "venv"
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, folder], check=True)
    install = [uv, "pip", "install", "--quiet", "--python", str(folder)]
    subprocess.run([*install, f"invoke=={request.param}", str(REPOSITORY)], check=True)
    return folder / "bin" / "inv"


@pytest.fixture
def invoke(program: Path, sample: Project, tmp_path: Path) -> Iterator[Invoke]:
    (tmp_path / "tasks.py").write_text(TASKS.format(root=str(sample.root)), encoding="utf-8")
    made = Invoke(inv=program, folder=tmp_path)
    yield made
    left = {path.name for path in tmp_path.iterdir()}
    assert left <= {"tasks.py", "__pycache__"}, left


def test_own_tasks_stand_beside_the_steps(invoke: Invoke) -> None:
    listed = invoke.run("--list")
    assert [line.split()[0] for line in listed.splitlines() if line.startswith("  ")] == [
        *("freeze", "image", "index", "own-task", "push", "report", "resolve"),
        *("run", "sbom", "shell", "slim", "smoke", "staticx"),
    ]
    assert "image      Build the container image of the project.\n" in listed
    assert invoke.run("own-task") == "mine ran\n"


def test_help_tells_the_options(invoke: Invoke) -> None:
    printed = invoke.run("image", "--help")
    assert printed == invoke.run("--help", "image")
    for option in ("--tag", "--layout=STRING", "--no-cache", "--json", "--image"):
        assert f"  {option} " in printed


def test_an_unknown_option_is_named(invoke: Invoke) -> None:
    assert invoke.run("image", "--tagg", "1.4", code=1) == "No idea what '--tagg' is!\n"


def test_an_image_is_written_with_its_tags(invoke: Invoke, sample: Project) -> None:
    try:
        invoke.run("image", "--tag", "1.4", "--tag", "latest", *SANDBOX)
        assert sample.manifest("image.json")["tags"] == ["sample-app:1.4", "sample-app:latest"]
    finally:
        invoke.run("image", *SANDBOX)
    assert sample.manifest("image.json")["tags"] == [f"sample-app:{TAG}"]
    assert UP_TO_DATE in invoke.run("image", *SANDBOX)


@pytest.mark.parametrize(
    ("variables", "words", "code", "message"),
    [
        ({}, ("--image", "shop"), 2, 'There is no image "shop"; available: sample-app\nName one of them.\n'),
        ({}, ("--layout", "flat"), 2, '  --layout = "flat": must be one of "onefile", "tree"\n'),
        ({"DOCKER_HOST": "unix:///nowhere.sock"}, ("--engine", "docker"), 3, "The engine docker does not work here"),
        ({"PYSTATIC_TASKS_MAX_SIZE": "1MB"}, SANDBOX, 6, "sample-app is over budget: "),
    ],
    ids=["image", "layout", "engine", "budget"],
)
def test_a_failure_ends_invoke_with_the_exit_code_of_its_kind(
    invoke: Invoke, variables: dict[str, str], words: tuple[str, ...], code: int, message: str
) -> None:
    assert message in invoke.run("smoke", *words, code=code, **variables)


def test_configuration_in_the_call_is_followed(invoke: Invoke) -> None:
    requests = 'smoke={"requests": [{"path": "/health", "status": 418}]}, root='
    tasks = invoke.folder / "tasks.py"
    tasks.write_text(tasks.read_text(encoding="utf-8").replace("root=", requests), encoding="utf-8")
    assert "FAILED  GET /health: " in invoke.run("smoke", *SANDBOX, code=7)


def test_an_own_task_of_the_same_name_is_told(invoke: Invoke) -> None:
    tasks = invoke.folder / "tasks.py"
    tasks.write_text(tasks.read_text(encoding="utf-8").replace("own_task", "image"), encoding="utf-8")
    assert invoke.run("--list", code=2).startswith(
        'tasks.py already has a task "image", which pystatic_tasks.tasks.collection() would replace.\n'
    )


def test_nothing_is_written_beside_the_package(invoke: Invoke, program: Path) -> None:
    """It may be where nobody may write."""
    [installed] = program.parents[1].glob("lib/*/site-packages/pystatic_tasks")
    assert files(installed) == files(REPOSITORY / "pystatic_tasks")


def files(folder: Path) -> set[str]:
    """All but bytecode, which Python leaves out where nobody may write."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if "__pycache__" not in path.parts}
