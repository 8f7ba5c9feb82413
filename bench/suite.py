"""A project with its tests: what suites.toml says of it, its folder, and its tests run in what is made of it."""

from __future__ import annotations

import ast
import json
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomlkit

from bench.build import inherited, run
from bench.server import BenchError
from bench.stranger import NOXFILE, STRANGERS, Stranger, read_tables, stranger
from pystatic_tasks.engines.local import extract

SUITES = Path(__file__).with_name("suites.toml")
RUN = Path(__file__).with_name("suite_run.py")
# What the program is shown: all its tests, or only what smoke asks.
EXERCISES = ("suite", "requests")
# Everything that is run here ends within that, in seconds.
LIMIT = 600
GROUP = "suite"
PASSED, FAILED = "passed", "failed"
PACKAGES = "usr/local/lib/python3*/site-packages"
# Other files are run when one cannot be imported.
CONTINUE = "--continue-on-collection-errors"
NOT_RUN = "not run"


@dataclass(frozen=True, kw_only=True)
class Suite:
    """A project with its tests.

    Attributes:
        program: What is made of it.
        sdist: The requirement of the source distribution that has the tests.
        tests: What of that is taken.
        needs: What the tests need beside the project.
        arguments: What pytest is called with.
    """

    program: Stranger
    sdist: str
    tests: Sequence[str]
    needs: Sequence[str]
    arguments: Sequence[str]

    @property
    def name(self) -> str:
        return self.program.name

    @property
    def pytest(self) -> list[str]:
        """The arguments of Python that run it."""
        return ["-m", "pytest", "-q", "-p", "no:cacheprovider", *self.arguments]


@dataclass(frozen=True)
class Results:
    """How the tests went.

    Attributes:
        outcomes: Of each test, and of each file that could not be imported: "passed", "failed" or "skipped".
        reasons: Of each that failed, the last line of its error.
    """

    outcomes: Mapping[str, str]
    reasons: Mapping[str, str]

    @property
    def passed(self) -> set[str]:
        return {test for test, outcome in self.outcomes.items() if outcome == PASSED}

    def reason(self, test: str) -> str:
        """Why a test did not pass: its own error, or that of its file."""
        around = [test, test.partition("::")[0]]
        return next((self.reasons[each] for each in around if each in self.reasons), NOT_RUN)


def read_suites(path: Path = SUITES) -> list[Suite]:
    """All of them, in the order of the file."""
    known = {each["name"]: each for each in read_tables(STRANGERS)["stranger"]}
    return [suite({**known.get(each["name"], {}), **each}) for each in read_tables(path)["suite"]]


def suite(table: Mapping[str, Any]) -> Suite:
    own = {key: table[key] for key in ("sdist", "tests", "needs", "arguments")}
    return Suite(program=stranger(table), **own)


def configuration(one: Suite) -> dict[str, Any]:
    """What stands in pyproject.toml: two images of one program, which is shown different things."""
    shared = one.program.configuration()
    shared.pop("name")
    command = ["sh", "-c", f"cd ../suite && exec python {shlex.join(one.pytest)}"]
    images = {"suite": {"groups": [GROUP], "observe": {"command": command}}, "requests": {}}
    ours = {**shared, "layout": "tree", "smoke": {**one.program.smoke, "timeout": LIMIT}, "images": images}
    return {"dependency-groups": {GROUP: list(one.needs)}, "tool": {"pystatic-tasks": ours}}


def lay_out(one: Suite, folder: Path) -> None:
    """Write the project into `folder/project`, its tests into `folder/suite`, what they need into `folder/tools`."""
    requirements = "".join(f"{each}\n" for each in one.program.requirements)
    pyproject = tomlkit.dumps(configuration(one))
    ours = {"noxfile.py": NOXFILE, "pyproject.toml": pyproject, "requirements.txt": requirements}
    for path, content in {**ours, **one.program.files}.items():
        (folder / "project" / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / "project" / path).write_text(content, encoding="utf-8")
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:"]
    run([*pip, "--dest", folder, one.sdist], folder)
    [archive] = folder.glob("*.tar.gz")
    (folder / "sdist").mkdir()
    run(["tar", "--extract", "--no-same-owner", "--file", archive, "--directory", folder / "sdist"], folder)
    [source] = (folder / "sdist").iterdir()
    (folder / "suite").mkdir()
    for name in one.tests:
        take = shutil.copytree if (source / name).is_dir() else shutil.copy
        take(source / name, folder / "suite" / name)


def build(folder: Path, step: str, python: str) -> None:
    """Run a step for both images."""
    sessions = [f"{step}-{exercise}" for exercise in EXERCISES]
    run([sys.executable, "-m", "nox", "-db", "uv", "-s", *sessions], folder / "project", PYSTATIC_TASKS_PYTHON=python)


def size_bytes(folder: Path, exercise: str) -> int:
    """Of an image, on disk."""
    content = json.loads((folder / "project/dist/pystatic" / exercise / "image.json").read_text(encoding="utf-8"))
    return int(content["size_bytes"])


def unpack(folder: Path, exercise: str, name: str) -> Path:
    """The root folder of an image, as `folder/name`."""
    root = folder / name
    extract(folder / "project/dist/pystatic" / exercise / "image.tar", root)
    return root


def run_natively(one: Suite, folder: Path) -> Results:
    """The tests in the build environment."""
    python = environment_of(folder)
    return run_tests(one, folder, "native", [str(python), str(RUN)], ["", "", "", ""])


def environment_of(folder: Path) -> Path:
    """The interpreter of the build environment that has the tests' needs."""
    frozen = json.loads((folder / "project/build/pystatic/suite/freeze.json").read_text(encoding="utf-8"))
    return Path(frozen["result"]["environment_python"])


def run_in_program(one: Suite, folder: Path, root: Path, own: Iterable[str]) -> Results:
    """The tests by the interpreter of a program.

    Args:
        one: Has the tests.
        folder: Where all of it lies.
        root: The root folder of the program's image.
        own: Top-level names that the tests get from the program or not at all.
    """
    loader = next(path for path in sorted(root.rglob("ld-linux*")) if path.is_file())
    folders = sorted({str(path.parent) for path in root.glob("lib*/**/*.so*")})
    [python] = root.glob("usr/local/bin/python3*")
    words = [loader, "--inhibit-cache", "--library-path", ":".join(folders), "--argv0", python, python, "-IS", RUN]
    arguments = [root, ":".join(libraries_of(environment_of(folder))), folder / "tools", ":".join(own)]
    # Other processes of the program are started without its script.
    [packages] = root.glob(PACKAGES)
    return run_tests(one, folder, root.name, list(map(str, words)), list(map(str, arguments)), PYTHONPATH=str(packages))


def libraries_of(python: Path) -> list[str]:
    """The folders of its standard library."""
    code = "import sysconfig; print(sysconfig.get_path('stdlib'))"
    library = subprocess.run([python, "-c", code], check=True, capture_output=True, text=True).stdout.strip()
    return [library, f"{library}/lib-dynload"]


def install_tools(one: Suite, folder: Path) -> None:
    """What the tests need, into a folder of its own."""
    python = str(environment_of(folder))
    uv = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", python]
    run([*uv, "--target", folder / "tools", *one.needs], folder)


def own_names(root: Path) -> list[str]:
    """Top-level names of the packages and modules in a program."""
    [packages] = root.glob(PACKAGES)
    return sorted({path.name.partition(".")[0] for path in packages.iterdir() if "-" not in path.name})


def run_tests(
    one: Suite, folder: Path, name: str, interpreter: Sequence[str], arguments: Sequence[str], **variables: str
) -> Results:
    """Run them in their folder, with a home and temporary files of their own."""
    results, log = folder / f"{name}.results", folder / f"{name}.log"
    for each in ("home", "tmp"):
        (folder / each).mkdir(exist_ok=True)
    own = {"HOME": str(folder / "home"), "TMPDIR": str(folder / "tmp"), "PYTHONDONTWRITEBYTECODE": "1"}
    with log.open("wb") as output:
        subprocess.run(
            [*interpreter, str(results), *arguments, *one.pytest[2:], CONTINUE],
            cwd=folder / "suite",
            env={**inherited(), **own, **variables},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            timeout=LIMIT,
            check=False,
        )
    if not results.exists():
        raise BenchError(f"{one.name}: the tests could not be run:\n{log.read_text(errors='replace')[-2000:]}")
    return read_results(results.read_text(encoding="utf-8"))


def read_results(text: str) -> Results:
    """What suite_run.py wrote down."""
    records = [line.split("\t") for line in text.splitlines()]
    return Results(
        outcomes={test: outcome for outcome, test, _ in records},
        reasons={test: ast.literal_eval(reason) for outcome, test, reason in records if outcome == FAILED},
    )
