"""Projects that differ in size only: so many modules, dependencies and files, all made here."""

from __future__ import annotations

import base64
import hashlib
import shutil
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import tomlkit

from bench.server import Question
from bench.stranger import NOXFILE

PACKAGE = "grown"
QUESTION = Question(path="/", answer={"grown": True})
# Modules of a dependency, each as large as those of the project.
MODULES_OF_A_DEPENDENCY = 5
FUNCTIONS_OF_A_MODULE = 10
FOLDERS_OF_DATA = 20
FILES_OF_A_FOLDER = 60
KINDS_BESIDE = ("src", "node_modules", "node_modules")
VERSION = "1.0"
# A time that is in no wheel's way.
WHEEL_TIME = (2026, 1, 1, 0, 0, 0)
FUNCTION = '''\
def function_{number}(value: int, *more: int) -> dict[str, int]:
    """Number {number} of {name}."""
    found = {{"{words}": value + {number}}}
    for each in more:
        found[str(each)] = each * {number}
    return found
'''
APP = """\
import json
from pathlib import Path

{imports}

TEXTS = [path.read_text() for path in sorted(Path(__file__).parent.glob("texts/*/*.txt"))]


def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps({{"grown": True}}).encode()]
"""


@dataclass(frozen=True, kw_only=True)
class Size:
    """How large a project is.

    Attributes:
        modules: Of its own, beside the one with the application.
        dependencies: Distributions that it needs and imports.
        data_files: Files that it reads while it is imported.
        files_beside: Files beside the package that do not go in: one in three as if written, the others as if installed
            into `node_modules`.
    """

    modules: int
    dependencies: int
    data_files: int
    files_beside: int

    @property
    def name(self) -> str:
        counts = (self.modules, self.dependencies, self.data_files, self.files_beside)
        return "{}-modules-{}-dependencies-{}-data-files-{}-beside".format(*counts)


def lay_out(size: Size, folder: Path) -> None:
    """Write a project of that size, its configuration, and its dependencies as wheels in `wheels`."""
    shutil.rmtree(folder, ignore_errors=True)
    names = [f"grown_{number:03}" for number in range(size.dependencies)]
    (folder / "wheels").mkdir(parents=True)
    for name in names:
        write_wheel(folder / "wheels", name)
    modules = {f"part_{number:04}": number for number in range(size.modules)}
    package = folder / "project" / PACKAGE
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("", encoding="utf-8")
    for name, number in modules.items():
        (package / f"{name}.py").write_text(module(name, number), encoding="utf-8")
    imports = [*(f"import {name}" for name in names), *(f"import {PACKAGE}.{name}" for name in modules)]
    (package / "web.py").write_text(APP.format(imports="\n".join(imports)), encoding="utf-8")
    for number in range(size.data_files):
        path = package / "texts" / f"{number % FOLDERS_OF_DATA}" / f"{number}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(functions(f"text {number}"), encoding="utf-8")
    for number in range(size.files_beside):
        path = folder / "project/frontend" / KINDS_BESIDE[number % 3] / f"{number // FILES_OF_A_FOLDER}/{number}.js"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"export const number = {number}\n", encoding="utf-8")
    tables: Mapping[Path, object] = {
        folder / "project" / "pyproject.toml": project_table(names),
        folder / "pyproject.toml": {"tool": {"pystatic-tasks": configuration(size)}},
    }
    for path, content in tables.items():
        path.write_text(tomlkit.dumps(content), encoding="utf-8")  # type: ignore[arg-type]
    (folder / "noxfile.py").write_text(NOXFILE, encoding="utf-8")


def configuration(size: Size) -> dict[str, object]:
    return {
        "name": "grown",
        "app": f"{PACKAGE}.web:app",
        "install": ["./project"],
        "smoke": {"requests": [{"path": QUESTION.path, "json": dict(QUESTION.answer)}]},
    }


def project_table(dependencies: list[str]) -> dict[str, object]:
    return {
        "build-system": {"requires": ["hatchling"], "build-backend": "hatchling.build"},
        "project": {"name": "grown", "version": VERSION, "dependencies": dependencies},
        "tool": {"hatch": {"build": {"targets": {"wheel": {"packages": [PACKAGE]}}}}},
    }


def module(name: str, number: int) -> str:
    """The source of a module, which imports the one of half its number."""
    above = f"from {PACKAGE} import part_{number // 2:04}\n\n" if number else ""
    return above + functions(name)


def functions(name: str) -> str:
    """Code that compresses about as well as code does: each function has some text that no other has."""
    return "\n\n".join(
        FUNCTION.format(number=number, name=name, words=hashlib.shake_256(f"{name} {number}".encode()).hexdigest(64))
        for number in range(FUNCTIONS_OF_A_MODULE)
    )


def write_wheel(folder: Path, name: str) -> None:
    """A distribution of some modules, which imports all of them, with a file of data."""
    parts = [f"part_{number}" for number in range(MODULES_OF_A_DEPENDENCY)]
    info = f"{name}-{VERSION}.dist-info"
    files = {f"{name}/__init__.py": "".join(f"from {name} import {part}\n" for part in parts)}
    files |= {f"{name}/{part}.py": functions(f"{name}.{part}") for part in parts}
    files[f"{name}/data/words.txt"] = f"The words of {name}.\n"
    files[f"{info}/METADATA"] = f"Metadata-Version: 2.1\nName: {name}\nVersion: {VERSION}\nLicense: MIT\n"
    files[f"{info}/WHEEL"] = "Wheel-Version: 1.0\nGenerator: bench\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    files[f"{info}/RECORD"] = "".join(map(record, files, files.values())) + f"{info}/RECORD,,\n"
    with zipfile.ZipFile(folder / f"{name}-{VERSION}-py3-none-any.whl", "w") as wheel:
        for path, content in files.items():
            wheel.writestr(zipfile.ZipInfo(path, WHEEL_TIME), content)


def record(path: str, content: str) -> str:
    """The line of a file in RECORD."""
    digest = base64.urlsafe_b64encode(hashlib.sha256(content.encode()).digest()).rstrip(b"=").decode()
    return f"{path},sha256={digest},{len(content.encode())}\n"
