"""Projects to build, and the engines and tools that are there."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import py_compile
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from pystatic_tasks.bom.components import built_with
from pystatic_tasks.engines import Engine, choose_engine
from pystatic_tasks.errors import MissingToolError
from pystatic_tasks.in_env.protocol import Component, Part
from pystatic_tasks.steps.results import Built, Frozen, Interpreter, Packed
from pystatic_tasks.system.machine import host_platform

# Makes a parser of the whole grammar of IRIs while it is imported, which takes seconds.
IRI_PARSER = "rfc3987_syntax"
with pytest.MonkeyPatch.context() as patch:
    patch.setitem(sys.modules, IRI_PARSER, None)
    import jsonschema

# Of the sample app's image, so that a user's own is left alone; each worker of pytest-xdist has its own.
TAG = "-".join(filter(None, ["pystatic-test", os.environ.get("PYTEST_XDIST_WORKER")]))
REPOSITORY = Path(__file__).resolve().parents[1]
NOT_COPIED = shutil.ignore_patterns(".git", ".nox", ".venv", "build", "dist", "__pycache__", ".*_cache")
BYTECODE = "PYTHONDONTWRITEBYTECODE"  # With it, each process of a build would compile its modules again.
DEBIANS_PYTHON = Path("/usr/bin/python3")
PYENV = Path.home() / ".pyenv" / "versions"
# Whether all is built that could be, in every engine: longer than the suite may take.
EVERYWHERE = "PYSTATIC_TESTS_EVERYWHERE" in os.environ
# A pyproject.toml as far as the table that says what goes into the wheel.
SHOP_BY_HATCHLING = """
[project]
name = "shop"
version = "1.4"
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[tool.hatch.build.targets.wheel]
"""
only_everywhere = pytest.mark.skipif(not EVERYWHERE, reason="only with PYSTATIC_TESTS_EVERYWHERE")
# What freeze says that the smallest program consists of.
COMPONENTS = (
    Component(kind="interpreter", type="generic", name="python", version="3.12.4", sha256="a" * 64),
    Component(kind="project", type="generic", name="shop", version="1.4", files=("/shop",)),
)
# What the steps leave of that program.
FROZEN = Frozen(
    program=Path("/nowhere/shop"),
    files=(),
    interpreter=Interpreter(version="3.12.4", base_prefix="/usr", libpython="/usr/lib/libpython3.12.so.1.0"),
    environment_python=Path("/nowhere/bin/python"),
    settings={},
    ports=(8000,),
    distributions={"shop": "1.4"},
    data=(),
    contents=(
        Part(name="libcrypto.so.3", kind="binary", size_bytes=4_712_000),
        Part(name="encodings", kind="bytecode", size_bytes=250_000),
    ),
    own_packages=("shop",),
    components=COMPONENTS,
    tools={"strip": "GNU strip 2.40"},
    system={},
    platform=host_platform(),
)
PACKED = Packed(size_bytes=20_000, components=(), system={})
BUILT = Built(
    version=1,
    name="shop",
    tags=("shop:latest",),
    digest=f"sha256:{'1' * 64}",
    image_id=f"sha256:{'2' * 64}",
    layout="onefile",
    compression="gzip",
    platform="linux/amd64",
    python="3.12.4",
    created="2024-05-06T07:08:09Z",
    size_bytes=20_000,
    compressed_bytes=10_000,
    layers=(),
    built_with=built_with(COMPONENTS, {}),
    server_ports=(8000,),
    components=COMPONENTS,
)
NOBODY = 65534
# What makes a command line like Docker's, of that version, run an image that ends at once.
RUNS = 'case "$*" in *State.Running*) echo false ;; *State.ExitCode*) echo 0 ;; *) echo "{version}" ;; esac'
# A nerdctl that does, and knows an image by what was loaded.
LOADS = r"""case "$*" in
    load*)
        names=$(PATH=/usr/bin:/bin tar -xOf "$3" manifest.json)
        id=${names#*sha256/}
        echo "sha256:${id%%\"*}" > "$0.id" ;;
    image*) [ -f "$0.id" ] && read -r id < "$0.id" && echo "$id" ;;
    *State.Running*) echo false ;;
    *State.ExitCode*) echo 0 ;;
    *) echo 2.3.5 ;;
esac"""
# Engines and tools that must be there: a test is then never skipped for want of them.
REQUIRED = set(filter(None, os.environ.get("PYSTATIC_TESTS_REQUIRE", "").split(",")))
# Goes before what is run as nobody, and after what that imports: others cannot reach root's interpreter and modules.
BECOMING_NOBODY = f"import os; os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})"
as_nobody = pytest.mark.skipif(os.geteuid() != 0, reason="becoming another user needs root")


def run_as_nobody(code: str) -> str:
    """Run Python code as nobody, where it has `BECOMING_NOBODY`; it gets a folder where it may write as an argument.

    Returns:
        What it printed.
    """
    with tempfile.TemporaryDirectory(prefix="pystatic-test-", dir="/tmp") as folder:
        Path(folder).chmod(0o777)
        command = [sys.executable, "-c", code, folder]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")
    return result.stdout


@dataclass(frozen=True)
class Project:
    """A folder with a noxfile, and what was built in it.

    Attributes:
        backend: What Nox makes environments by; its own choice unless given.
    """

    root: Path
    name: str = "sample-app"
    backend: str = ""

    def nox(self, *arguments: str, ok: bool = True, cwd: Path | None = None, **variables: str) -> str:
        """Run Nox in the project; what it printed. Fails if it ends otherwise than `ok` says."""
        backend = ("-db", self.backend) if self.backend else ()
        return self.run(sys.executable, "-m", "nox", *backend, *arguments, ok=ok, cwd=cwd, **variables)

    def run(self, *command: str, ok: bool = True, cwd: Path | None = None, **variables: str) -> str:
        result = subprocess.run(
            command,
            cwd=cwd or self.root,
            env={**clean_environment(), **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert (result.returncode == 0) is ok, result.stdout
        return without_times(result.stdout)

    def result(self, file: str) -> Path:
        return self.root / "dist" / "pystatic" / self.name / file

    def manifest(self, file: str) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self.result(file).read_text(encoding="utf-8"))
        return content

    def configure(self, old: str, new: str) -> None:
        path = self.root / "pyproject.toml"
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")


def is_iri_reference(instance: object) -> bool:
    """What jsonschema would check, by a parser that is made where there is one to check."""
    parser = importlib.import_module(IRI_PARSER)
    return not isinstance(instance, str) or bool(parser.is_valid_syntax("iri_reference", instance))


jsonschema.Draft7Validator.FORMAT_CHECKER.checks("iri-reference", raises=ValueError)(is_iri_reference)


def validate(content: Any, schema: str) -> None:
    """Fails unless the content is as that schema of the package says."""
    text = (REPOSITORY / "pystatic_tasks" / "schemas" / schema).read_text(encoding="utf-8")
    jsonschema.Draft7Validator(json.loads(text)).validate(content)


def without_times(printed: str) -> str:
    """What Nox printed, without what it adds to an error where a session took a second or more."""
    return re.sub(r" \(took [^)]*\)(?=\.\n)", "", printed)


def clean_environment() -> dict[str, str]:
    """The environment without what the outer Nox and pytest put there, where tools may keep their bytecode."""
    inner = ("NOX_", "PYTEST_", "PYSTATIC_", "VIRTUAL_ENV", "FORCE_COLOR", "COLUMNS", "GITHUB_", "SOURCE_DATE_EPOCH")
    kept = {name: value for name, value in os.environ.items() if not name.startswith((*inner, BYTECODE))}
    return kept | {"NO_COLOR": "1"}


def copy_repository(target: Path, backend: str = "") -> Project:
    shutil.copytree(REPOSITORY, target, ignore=NOT_COPIED)
    return Project(target, backend=backend)


@dataclass(frozen=True)
class Elsewhere:
    """Somebody else, with a home and habits of their own: what must not matter for what is built.

    Attributes:
        folder: A folder that they can reach.
        command: What their commands begin with.
    """

    folder: Path
    command: Sequence[str]

    def adopt(self, project: Project) -> Project:
        """The project, now theirs, with times of their own."""
        for path in (self.folder, *self.folder.rglob("*")):
            if not path.is_symlink():
                os.utime(path, (1_000_000_000, 1_000_000_000))
            if os.geteuid() == 0:
                os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
        return project

    def nox(self, project: Project, *arguments: str, **variables: str) -> str:
        own = {"HOME": str(self.folder), "TMPDIR": str(self.folder), "TZ": "Asia/Tokyo", "PYTHONHASHSEED": "77"}
        own |= {"LC_ALL": "C", "LANG": "tr_TR.UTF-8", **variables}
        backend = ("-db", project.backend) if project.backend else ()
        command = [*self.command, "env", *(f"{name}={value}" for name, value in own.items())]
        umask = ("sh", "-c", 'umask 077; exec "$@"', "sh")
        return project.run(*command, *umask, sys.executable, "-m", "nox", *backend, *arguments)


@contextlib.contextmanager
def elsewhere() -> Iterator[Elsewhere]:
    """Somebody else on this machine: another user where we are root and others can execute our interpreter."""
    with tempfile.TemporaryDirectory(prefix="pystatic-elsewhere-") as temporary:
        folder = Path(temporary)
        folder.chmod(0o755)
        command = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
        # By a shell, as below: what setpriv starts itself may still have our rights to read.
        trial = [*command, "sh", "-c", 'exec "$@"', "sh", sys.executable, "-c", "import nox, pystatic_tasks"]
        is_possible = os.geteuid() == 0 and subprocess.run(trial, cwd=folder, check=False).returncode == 0
        assert is_possible or "other-user" not in REQUIRED, "no other user can execute the interpreter"
        yield Elsewhere(folder, command if is_possible else [])


def write_project(root: Path, files: Mapping[str, str], name: str, backend: str = "") -> Project:
    """A small project of the test's own, with a noxfile of two lines."""
    noxfile = {"noxfile.py": "import pystatic_tasks\n\npystatic_tasks.register()\n"}
    for path, content in {**noxfile, **files}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(content, encoding="utf-8")
    return Project(root, name, backend)


def interpreters() -> dict[str, Path]:
    """The Pythons to try that are there."""
    found = {"debian": DEBIANS_PYTHON} if DEBIANS_PYTHON.exists() else {}
    for minor in ("3.10", "3.11", "3.12", "3.13", "3.14"):
        found.update({f"pyenv-{minor}": path for path in sorted(PYENV.glob(f"{minor}.*/bin/python3"))})
    return found


def engine_or_skip(name: str) -> Engine:
    try:
        return choose_engine(name)  # type: ignore[arg-type]
    except MissingToolError as error:
        if name in REQUIRED:
            raise
        pytest.skip(error.problem)


def let_others_pass(folder: Path) -> None:
    """Another user can reach the folder, as far as it is ours."""
    for each in (folder, *folder.parents):
        if each.name and each.parent.name and each.stat().st_uid == os.geteuid():
            each.chmod(each.stat().st_mode | 0o011)


def tool_or_skip(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        assert name not in REQUIRED, f"{name} is required and not there"
        pytest.skip(f"{name} is not there")
    return found


def swap_source(path: Path, old: str, new: str) -> None:
    """Write a module whose bytecode is of another source of the same size and time."""
    assert len(old) == len(new)
    path.parent.mkdir(parents=True, exist_ok=True)
    for text in (old, new):
        path.write_text(text, encoding="utf-8")
        os.utime(path, (1_000_000_000, 1_000_000_000))
        if text == old:
            py_compile.compile(str(path), doraise=True)


def nest(top: Path, levels: int) -> None:
    """Make so many folders in each other."""
    above = os.open(top, os.O_RDONLY)
    for _ in range(levels):
        os.mkdir("d", dir_fd=above)
        inner = os.open("d", os.O_RDONLY, dir_fd=above)
        os.close(above)
        above = inner
    os.close(above)


@contextlib.contextmanager
def small_disk(folder: Path, size: str) -> Iterator[None]:
    """A folder as a file system of its own that is soon full."""
    folder.mkdir(parents=True, exist_ok=True)
    if os.geteuid() != 0:
        pytest.skip("a file system of its own can be mounted by root only")
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


def postgresql_or_skip() -> None:
    """Skips the test unless Debian's PostgreSQL is there, which is not on the PATH."""
    if not list(Path("/usr/lib/postgresql").glob("*/bin/postgres")):
        assert "postgresql" not in REQUIRED, "postgresql is required and not there"
        pytest.skip("postgresql is not there")


@contextlib.contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[tuple[str, int]]:
    """A server on this machine, by its host and port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield "127.0.0.1", server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def install_distribution(
    site: Path,
    name: str,
    *files: str,
    requires: Sequence[str] = (),
    extras: Sequence[str] = (),
    origin: str = "",
    is_editable: bool = False,
) -> None:
    """A distribution with these files, as pip leaves it; `origin` is the URL that it was installed from."""
    info = site / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    lines = [f"Name: {name}", "Version: 1.0", *(f"Requires-Dist: {each}" for each in requires)]
    lines += [f"Provides-Extra: {each}" for each in extras]
    (info / "METADATA").write_text("Metadata-Version: 2.1\n" + "\n".join(lines) + "\n", encoding="utf-8")
    (info / "RECORD").write_text("".join(f"{file},,\n" for file in files), encoding="utf-8")
    if origin:
        (info / "direct_url.json").write_text(
            json.dumps({"url": origin, "dir_info": {"editable": True} if is_editable else {}}), encoding="utf-8"
        )
    for file in files:
        (site / file).parent.mkdir(parents=True, exist_ok=True)
        (site / file).touch()


def must_be_one_of(names: Iterable[str]) -> str:
    """What an error says of a value that is none of these."""
    return "must be one of " + ", ".join(f'"{each}"' for each in names)


def members_of(protocol: type) -> set[str]:
    """What an implementation of a protocol must have."""
    return {name for name in {**vars(protocol), **protocol.__annotations__} if not name.startswith("_")}
