"""Reads what a project serves from its other files: Procfile, Dockerfile, Makefile and so on; and Django's settings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from pystatic_tasks.init.modules import Code, Module, literal
from pystatic_tasks.init.targets import Hint
from pystatic_tasks.system.files import read_source

FILES = (
    *("Procfile", "Dockerfile", "Containerfile", "compose.yaml", "compose.yml", "docker-compose.yml"),
    *(
        "docker-compose.yaml",
        "Makefile",
        "justfile",
        "fly.toml",
        "render.yaml",
        "app.yaml",
        ".flaskenv",
        "gunicorn.conf.py",
    ),
)
SERVERS = re.compile(
    r"\b(gunicorn|uvicorn|hypercorn|daphne|granian|waitress-serve|flask|fastapi|uwsgi|FLASK_APP|wsgi_app)\b"
)
NAME = r"[A-Za-z_]\w*"
# Not a host with a port, and not the end of a path.
REFERENCE = re.compile(rf"(?<![\w./:-])({NAME}(?:\.{NAME})*):({NAME})(?![\w:/])")
FLASK_APP = re.compile(rf"FLASK_APP=[\"']?({NAME}(?:\.{NAME})*)(?:\.py)?[\"']?\s*$")
WORD = re.compile(r"[\w./-]+")


def hints(root: Path, code: Code) -> list[Hint]:
    """Modules that are served, each with the name of the application in it or ""; the strongest hints come first."""
    return list(dict.fromkeys([*file_hints(root), *django_hints(code)]))


def file_hints(root: Path) -> list[Hint]:
    return [hint for name in FILES for hint in hints_in(read(root / name))]


def read(path: Path) -> str:
    try:
        return read_source(path).decode(errors="replace")
    except OSError:
        return ""


def hints_in(text: str) -> Iterator[Hint]:
    for line in re.sub(r"\\\r?\n", " ", text).splitlines():
        if line.lstrip().startswith("#") or not SERVERS.search(line):
            continue
        yield from ((match[1], match[2]) for match in REFERENCE.finditer(line))
        match = FLASK_APP.search(line.strip())
        for path in [*([match[1]] if match else []), *files_of_fastapi(WORD.findall(line))]:
            yield path.removeprefix("./").replace("/", ".").removesuffix(".py"), ""


def files_of_fastapi(words: list[str]) -> list[str]:
    """The file in a call of `fastapi run`, if the line has one."""
    programs = [word.rpartition("/")[2] for word in words]
    if "fastapi" not in programs or "run" not in words[programs.index("fastapi") :]:
        return []
    start = words.index("run", programs.index("fastapi"))
    return [word for word in words[start:] if word.endswith(".py")][:1]


def django_hints(code: Code) -> Iterator[Hint]:
    """What Django's settings serve; ASGI comes first if it is set, because a new project sets only WSGI."""
    for setting in ("ASGI_APPLICATION", "WSGI_APPLICATION"):
        for module in code.modules.values():
            module_name, _, name = (setting_of(module, setting) or "").rpartition(".")
            if module_name:
                yield module_name, name


def setting_of(module: Module, name: str) -> str | None:
    """The string that a module binds a name to."""
    return next((text for node in module.bound.get(name, ()) if (text := literal(node))), None)
