"""Passwords of package indexes and repositories: none gets into the image, what describes it, or what is printed."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import os
import subprocess
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from support import Project, tool_or_skip, write_project

USER = "me"
# Each way to hand one over has its own, so that what leaks can be told.
PASSWORDS = {
    name: f"sesame-{hashlib.sha256(name.encode()).hexdigest()[:12]}"
    for name in ("requirements", "variable", "direct", "remote", "table", "source", "text")
}
# Names that no other index knows.
PACKAGES = ("sesamegreeting", "sesamefarewell", "sesamethanks")
MAIN = """
import sesamegreeting, sesamefarewell, sesamethanks
print(sesamegreeting.TEXT, sesamefarewell.TEXT, sesamethanks.TEXT)
"""


class Index(ThreadingHTTPServer):
    """A package index that wants a user and one of the passwords."""

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.folder = folder
        self.served: list[str] = []

    def url(self, way: str, path: str = "simple/") -> str:
        """The address of something there, with the password of that way."""
        return f"http://{USER}:{PASSWORDS[way]}@127.0.0.1:{self.server_port}/{path}"


class Handler(BaseHTTPRequestHandler):
    server: Index

    def do_GET(self) -> None:
        known = {b64(f"{USER}:{password}") for password in PASSWORDS.values()}
        *_, kind, name = self.path.rstrip("/").split("/")
        file = self.server.folder / (wheel_name(name) if kind == "simple" else name)
        if self.headers.get("Authorization", "").removeprefix("Basic ") not in known:
            self.answer(401, b"", "WWW-Authenticate", 'Basic realm="index"')
        elif not file.is_file():
            self.answer(404, b"", "X-Is", "nothing")
        elif kind == "simple":
            self.answer(200, f'<a href="/files/{file.name}">{file.name}</a>'.encode(), "Content-Type", "text/html")
        else:
            self.server.served.append(name)
            self.answer(200, file.read_bytes(), "Content-Type", "application/octet-stream")

    def answer(self, status: int, content: bytes, header: str, value: str) -> None:
        self.send_response(status)
        self.send_header(header, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    do_HEAD = do_GET  # noqa: N815

    def log_message(self, format: str, *arguments: object) -> None:
        pass


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def wheel_name(name: str) -> str:
    return f"{name}-1.0-py3-none-any.whl"


def write_wheel(folder: Path, name: str) -> None:
    info = f"{name}-1.0.dist-info"
    files = {
        f"{name}/__init__.py": f'TEXT = "{name} was imported"\n',
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(folder / wheel_name(name), "w") as wheel:
        for path, text in {**files, f"{info}/RECORD": record}.items():
            wheel.writestr(path, text)


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    folder = tmp_path / "index"
    folder.mkdir()
    for name in PACKAGES:
        write_wheel(folder, name)
    with Index(folder) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()


def make_project(root: Path, index: Index, backend: str, layout: str, needs: str = PACKAGES[0]) -> Project:
    """A script that needs a package from each of three places."""
    direct = f"{PACKAGES[2]} @ {index.url('direct', f'files/{wheel_name(PACKAGES[2])}')}"
    pyproject = f"""
[tool.pystatic-tasks]
script = "main.py"
name = "shop"
layout = "{layout}"
requirements = ["requirements.txt"]
install = [{json.dumps(direct)}]
freeze.collect = ["{PACKAGES[2]}"]
"""
    requirements = f"--extra-index-url {index.url('requirements')}\n{needs}\n{PACKAGES[1]}\n"
    project = write_project(
        root, {"pyproject.toml": pyproject, "main.py": MAIN, "requirements.txt": requirements}, "shop", backend
    )
    for command in (
        ("init", "-q"),
        ("add", "main.py"),
        ("-c", "user.name=x", "-c", "user.email=x@example.org", "commit", "-qm", "x"),
        ("remote", "add", "origin", f"https://{USER}:{PASSWORDS['remote']}@git.example/shop.git"),
    ):
        subprocess.run(["git", *command], cwd=root, check=True)
    return project


def nox(project: Project, index: Index, *words: str, ok: bool = True) -> str:
    told = variables(index)
    if not project.backend:
        # What pip is told is to do.
        del told["UV_EXTRA_INDEX_URL"]
    return project.nox("-s", "image", "--", "--engine", "sandbox", *words, ok=ok, cwd=None, **told)


def variables(index: Index) -> dict[str, str]:
    """The index as one more of those that the machine has, for pip and for uv."""
    asked = subprocess.run(
        ["python3", "-m", "pip", "config", "get", "global.extra-index-url"], capture_output=True, text=True, check=False
    )
    own = os.environ.get("PIP_EXTRA_INDEX_URL", asked.stdout).replace("\n", " ")
    return {
        "PIP_EXTRA_INDEX_URL": f"{own} {index.url('variable')}",
        "UV_EXTRA_INDEX_URL": f"{os.environ.get('UV_EXTRA_INDEX_URL', '')} {index.url('variable')}",
        "PIP_NO_CACHE_DIR": "1",
    }


def secrets() -> dict[str, bytes]:
    """What must be nowhere, by what it is."""
    plain = {f"{way}, plain": password.encode() for way, password in PASSWORDS.items()}
    return {**plain, **{f"{way}, base64": b64(f"{USER}:{each}").encode() for way, each in PASSWORDS.items()}}


def leaks(content: bytes) -> list[str]:
    return [name for name, secret in secrets().items() if secret in content]


def files_that_leak(project: Project) -> dict[str, list[str]]:
    """What lies below build/ and dist/, and in the layers, with what it holds of secrets."""
    found = {}
    for path in sorted(each for name in ("build", "dist", ".nox") for each in (project.root / name).rglob("*")):
        if path.is_file() and not path.is_symlink():
            found[str(path.relative_to(project.root))] = leaks(path.read_bytes())
    with tarfile.open(project.result("image.tar")) as archive:
        for member in archive.getmembers():
            stream = archive.extractfile(member)
            content = stream.read() if stream else b""
            found[member.name] = leaks(gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content)
    return {name: leaked for name, leaked in found.items() if leaked}


@pytest.mark.parametrize(("backend", "layout"), [("virtualenv", "onefile"), ("", "tree")])
def test_passwords_are_nowhere_in_what_is_built_or_printed(
    tmp_path: Path, index: Index, backend: str, layout: str
) -> None:
    tool_or_skip("uv")
    project = make_project(tmp_path / "shop", index, backend, layout)
    printed = nox(project, index, "--verbose")
    assert ("uv pip install" in printed) is (backend == "")
    assert sorted(set(index.served)) == sorted(map(wheel_name, PACKAGES)), printed
    assert "http://***@127.0.0.1" in printed
    assert leaks(printed.encode()) == []
    assert files_that_leak(project) == {}
    built = project.manifest("image.json")
    assert built["layout"] == layout
    assert leaks(nox(project, index).encode()) == []


def test_passwords_are_nowhere_where_a_lock_is_installed_from(tmp_path: Path, index: Index) -> None:
    uv = tool_or_skip("uv")
    project = make_project(tmp_path / "shop", index, "virtualenv", "tree")
    text = (project.root / "pyproject.toml").read_text(encoding="utf-8")
    source = index.url("source", f"files/{wheel_name(PACKAGES[2])}")
    locked = f"""
[project]
name = "shop"
version = "1"
description = "of {index.url("text")}"
authors = [{{ name = "{index.url("text")}" }}]
dependencies = ["{PACKAGES[0]}", "{PACKAGES[2]}"]
[tool.uv]
package = false
[[tool.uv.index]]
name = "corp"
url = "{index.url("table")}"
explicit = true
[tool.uv.sources]
{PACKAGES[0]} = {{ index = "corp" }}
{PACKAGES[2]} = {{ url = "{source}" }}
"""
    (project.root / "pyproject.toml").write_text(f"{locked}{text}", encoding="utf-8")
    (project.root / "requirements.txt").write_text(f"{PACKAGES[1]}\n", encoding="utf-8")
    subprocess.run([uv, "lock"], cwd=project.root, env={**os.environ, **variables(index)}, check=True)
    printed = nox(project, index, "--verbose")
    assert "installing the versions in uv.lock" in printed
    assert sorted(set(index.served)) == sorted(map(wheel_name, PACKAGES))
    assert leaks(printed.encode()) == []
    assert files_that_leak(project) == {}


@pytest.mark.parametrize("verbose", [(), ("--verbose",)])
@pytest.mark.parametrize("backend", ["virtualenv", "uv"])
def test_passwords_are_not_shown_where_an_installation_fails(
    tmp_path: Path, index: Index, backend: str, verbose: tuple[str, ...]
) -> None:
    tool_or_skip("uv")
    project = make_project(tmp_path / "shop", index, backend, "tree", needs="nothing-of-this-name-anywhere")
    printed = nox(project, index, *verbose, ok=False)
    assert "nothing-of-this-name-anywhere" in printed
    assert leaks(printed.encode()) == []
