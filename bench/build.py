"""The sample app, built five times: plain Python, a tree, one file, a slim one, and one file by StaticX."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.server import BenchError, Variant
from pystatic_tasks.engines.local import extract

REPOSITORY = Path(__file__).resolve().parents[1]
APP = "random_number.api:app"
IMAGES = ("tree", "onefile", "slim", "staticx")
WORKERS = 4
# A worker that is told to end while it still boots may miss it, so gunicorn waits as long for it as frozen programs do.
SERVER = ("--workers", str(WORKERS), "--worker-tmp-dir", "/dev/shm", "--no-control-socket", "--graceful-timeout", "8")
FOREIGN_VARIABLES = ("VIRTUAL_ENV", "PYTHONPATH")
OUTER_VARIABLES = ("NOX_", "PYSTATIC_", "FORCE_COLOR", "COLUMNS", "GITHUB_")
NOT_COPIED = shutil.ignore_patterns("build", "dist", "__pycache__", ".*", "*.egg-info")
NOXFILE = "import pystatic_tasks\n\npystatic_tasks.register()\n"
PYPROJECT = """\
[tool.pystatic-tasks]
app = "{app}"
install = {install}
server.workers = {workers}

[tool.pystatic-tasks.images.tree]
layout = "tree"

[tool.pystatic-tasks.images.onefile]
layout = "onefile"

[tool.pystatic-tasks.images.slim]
layout = "onefile"

[tool.pystatic-tasks.images.staticx]
layout = "onefile"
packer = "staticx"
"""


@dataclass(frozen=True, kw_only=True)
class Built:
    """What was built.

    Attributes:
        folder: Where.
        python: The interpreter, as asked for.
        environment: Virtual environment with the sample app as plain Python.
    """

    folder: Path
    python: str
    environment: Path

    @property
    def source(self) -> Path:
        """A file of the sample app, as it is built here."""
        return self.folder / "sample_app" / "random_number" / "api.py"

    def manifest(self, image: str) -> dict[str, Any]:
        """The image.json of an image."""
        path = self.folder / "dist/pystatic" / image / "image.json"
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return content

    def archive(self, image: str) -> Path:
        return self.folder / "dist/pystatic" / image / "image.tar"

    def processes(self) -> list[Variant]:
        """The program started without any engine: the tree in its own root."""
        root = self.folder / "root"
        shutil.rmtree(root, ignore_errors=True)
        extract(self.archive("tree"), root)
        return [
            Variant(name="plain Python", command=[str(self.environment / "bin/gunicorn"), APP, *SERVER]),
            Variant(name="tree", command=["chroot", str(root), "/tree"]),
            Variant(name="onefile", command=[str(self.folder / "dist/pystatic/onefile/onefile")]),
            Variant(name="slim", command=[str(self.folder / "dist/pystatic/slim/slim")]),
            Variant(name="staticx", command=[str(self.folder / "dist/pystatic/staticx/staticx")]),
        ]


def build(folder: Path, python: str, modules: Sequence[str] = ()) -> Built:
    """Build everything; what is there and unchanged is not built again.

    Args:
        folder: Where.
        python: The interpreter.
        modules: What the sample app imports besides; the distributions are called as the packages.

    Raises:
        BenchError: something could not be built.
    """
    environment = folder / "plain"
    built = Built(folder=folder, python=python, environment=environment)
    install = ["./sample_app", *dict.fromkeys(module.partition(".")[0] for module in modules)]
    (folder / "noxfile.py").write_text(NOXFILE, encoding="utf-8")
    pyproject = PYPROJECT.format(app=APP, workers=WORKERS, install=json.dumps(install))
    (folder / "pyproject.toml").write_text(pyproject, encoding="utf-8")
    shutil.copytree(REPOSITORY / "sample_app", folder / "sample_app", ignore=NOT_COPIED, dirs_exist_ok=True)
    with built.source.open("a", encoding="utf-8") as file:
        file.writelines(f"import {module}\n" for module in modules)
    run([python, "-m", "venv", "--clear", "--copies", environment], folder)
    run([environment / "bin/python", "-m", "pip", "install", "--quiet", *install, "gunicorn"], folder)
    ask_nox(built, "slim-slim")
    for image in IMAGES:
        build_image(built, image)
    return built


def build_image(built: Built, image: str, *options: str) -> None:
    """Build one of the images, with options of ours."""
    ask_nox(built, f"image-{image}", *options)


def ask_nox(built: Built, session: str, *options: str) -> None:
    command = [sys.executable, "-m", "nox", "-s", session, "--", *options]
    run(command, built.folder, PYSTATIC_TASKS_PYTHON=built.python)


def run(command: Sequence[object], folder: Path, patience: float | None = None, **variables: str) -> None:
    """Run a command.

    Args:
        command: Its words.
        folder: Where.
        patience: Seconds that it may take; as many as it likes if None.
        variables: Of the environment, beside those of this process.

    Raises:
        BenchError: it failed, or took longer.
    """
    shown = f"{' '.join(map(str, command[:4]))} …"
    try:
        result = run_as_one(list(map(str, command)), {**inherited(), **variables}, cwd=folder, timeout=patience)
    except subprocess.TimeoutExpired:
        raise BenchError(f"{shown} did not end within {patience:g} seconds.") from None
    if result.returncode:
        raise BenchError(f"{shown} failed:\n{result.stdout[-3000:]}")


def run_as_one(
    command: Sequence[str], env: Mapping[str, str], *, cwd: Path | None = None, timeout: float | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command that has nothing to read, with both of its outputs as one."""
    return subprocess.run(
        command,
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=timeout,
        check=False,
    )


def inherited() -> dict[str, str]:
    """The variables of this process without those that are about it."""
    return {
        name: value
        for name, value in os.environ.items()
        if name not in FOREIGN_VARIABLES and not name.startswith(OUTER_VARIABLES)
    }
