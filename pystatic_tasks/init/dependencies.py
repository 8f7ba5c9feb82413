"""Finds where a project declares its framework, and which configuration makes it installed."""

from __future__ import annotations

import re
from itertools import takewhile
from pathlib import Path
from typing import Any

from pystatic_tasks.config.project import required_name
from pystatic_tasks.init.look import Project, at, texts
from pystatic_tasks.system.files import read_source

DISTRIBUTIONS = {
    name: name.lower()
    for name in (
        *("Flask", "Quart", "FastAPI", "Starlette", "Litestar", "Falcon"),
        *("Bottle", "Pyramid", "Django", "BlackSheep", "Connexion"),
    )
}
BEST_FILES = ("prod", "base", "common", "main")
OTHER_FILES = ("dev", "test", "doc", "lint", "local", "ci")


def installation(project: Project, framework: str) -> list[tuple[str, Any]]:
    """The configuration keys that make the framework installed, if it is not installed without them."""
    name = DISTRIBUTIONS.get(framework)
    if project.virtual:
        return [("install", [])]
    if name is None:
        return []
    tables = at(project.pyproject, "project")
    if project.installable and (not tables or "dependencies" in texts(tables.get("dynamic"))):
        return []
    if project.installable and requires(tables.get("dependencies"), name):
        return []
    if not project.installable and (project.root / "requirements.txt").is_file():
        return []
    extras = [key for key, value in at(tables, "optional-dependencies").items() if requires(value, name)]
    groups = [key for key, value in at(project.pyproject, "dependency-groups").items() if requires(value, name)]
    if project.installable and extras:
        return [("install", [f".[{extras[0]}]"])]
    if groups:
        return [("groups", [groups[0]])]
    file = requirements_file(project.root, name)
    return [("requirements", [file])] if file else []


def requires(requirements: Any, name: str) -> bool:
    """Whether one of the requirements is for this distribution."""
    return any(name == required_name(without_options(each)) for each in texts(requirements))


def without_options(line: str) -> str:
    """A line of a requirements file without its comment and options, such as `--hash`."""
    return " ".join(takewhile(lambda word: not word.startswith(("#", "-", "\\")), line.split()))


def requirements_file(root: Path, name: str) -> str:
    """The requirements file that names the distribution, directly or in a file that it includes; "" if none does."""
    patterns = ("requirements*.txt", "requirements/*.txt", "*requirements.txt")
    found = {path for pattern in patterns for path in root.glob(pattern) if names_it(path, name)}
    best = sorted(found, key=lambda path: (file_rank(path.stem), path))
    return best[0].relative_to(root).as_posix() if best else ""


def names_it(path: Path, name: str) -> bool:
    """Whether a requirements file, or one that it includes, names the distribution; each file is read once."""
    waiting, seen = [path], set[Path]()
    while waiting:
        path = waiting.pop().resolve()
        if path in seen:
            continue
        seen.add(path)
        lines = lines_of(path)
        if requires(lines, name):
            return True
        included = (re.match(r"\s*(?:-r|--requirement)[ =]\s*(\S+)", line) for line in lines)
        waiting += dict.fromkeys(path.parent / match[1] for match in included if match)
    return False


def lines_of(path: Path) -> list[str]:
    try:
        return read_source(path).decode(errors="replace").splitlines()
    except OSError:
        return []


def file_rank(stem: str) -> int:
    if any(word in stem for word in OTHER_FILES):
        return len(BEST_FILES) + 1
    return next((number for number, word in enumerate(BEST_FILES) if word in stem), len(BEST_FILES))
