"""Two builds of one commit, by other people in other places, and what is said where they are not the same."""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path

from support import Project, copy_repository, elsewhere, write_project

from pystatic_tasks.engines.layers import open_layers

STAMPED = {
    "pyproject.toml": '[tool.pystatic-tasks]\nname = "stamped"\nscript = "main.py"\nlayout = "tree"\n',
    "setup.py": """
import os
from pathlib import Path
from setuptools import setup

Path("stamped/when.py").write_text(f"FOLDER = {os.getcwd()!r}")
setup(name="stamped", version="1", packages=["stamped"])
""",
    "main.py": "from stamped.when import FOLDER\nprint(FOLDER)\n",
    "stamped/__init__.py": "",
}
TRUSTING = {
    "pyproject.toml": """
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
[project]
name = "trusting"
version = "1"
dependencies = ["certifi"]
[tool.setuptools]
packages = ["trusting"]
[tool.setuptools.package-data]
trusting = ["**/*", ".*"]
[tool.pystatic-tasks]
script = "main.py"
layout = "tree"
freeze.data = []
""",
    "main.py": "import certifi, trusting\nprint(certifi.where())\n",
    "trusting/__init__.py": "",
    "trusting/.env": "PASSWORD=sesame\n",
    "trusting/page.html": "page",
    "trusting/built/app.js": "app",
    "trusting/ca.pem": "-----BEGIN CERTIFICATE-----\nMIIE\n",
    ".gitignore": "built/\n",
}


def test_one_executable_is_the_same_whoever_builds_it_and_where(sample: Project) -> None:
    with elsewhere() as other:
        clone = other.adopt(copy_repository(other.folder / "another folder of a longer name" / "clone"))
        shutil.copyfile(sample.root / "pyproject.toml", clone.root / "pyproject.toml")
        other.nox(clone, "-s", "image", "--", "--engine", "sandbox")
        assert clone.result("sample-app").read_bytes() == sample.result("sample-app").read_bytes()
        assert clone.result("image.tar").read_bytes() == sample.result("image.tar").read_bytes()
        assert clone.manifest("image.json")["digest"] == sample.manifest("image.json")["digest"]


def test_a_second_build_is_asked_for_and_gives_the_same(sample: Project) -> None:
    printed = sample.nox("-s", "image", "--", "--engine", "sandbox", "--check-reproducible")
    assert f"nox > reproducible: two builds gave {sample.manifest('image.json')['digest']}\n" in printed


def test_what_differs_first_between_two_builds_is_named(tmp_path: Path) -> None:
    project = write_project(tmp_path, STAMPED, "stamped")
    printed = project.nox("-s", "image", "--", "--engine", "sandbox", "--check-reproducible", ok=False)
    with tarfile.open(project.result("rootfs.tar")) as tar:
        (path,) = [name for name in tar.getnames() if name.endswith("/when.pyc")]
    assert f"Two builds of stamped differ, first in /{path} in the layer project:\n  first   " in printed
    assert "the second image is in build/pystatic/stamped/second" in printed
    assert (tmp_path / "build/pystatic/stamped/second/image.tar").is_file()


def test_secrets_among_package_data_are_refused_until_they_are_listed_by_hand(tmp_path: Path) -> None:
    project = write_project(tmp_path, TRUSTING, "trusting")
    project.run("git", "init", "-q", ".")
    printed = project.nox("-s", "image", "--", "--engine", "sandbox", ok=False)
    entries = '"trusting/.env:trusting", "trusting/built/app.js:trusting/built"'
    assert (
        "2 files of the project would go into trusting unasked:\n"
        "  trusting/.env: a file of variables\n"
        "  trusting/built/app.js: git ignores it\n"
        "Leave out what shall not go in, and list by hand what shall, in tool.pystatic-tasks.freeze.data: "
        f"{entries}.\n"
    ) in printed
    project.configure("freeze.data = []", f"freeze.data = [{entries}]")
    project.nox("-s", "image", "--", "--engine", "sandbox")
    names = [Path(name) for layer in open_layers(project.result("image.tar")) for name in layer.getnames()]
    data = sorted(
        str(Path(*path.parts[-2:]))
        for path in names
        if path.suffix in (".pem", ".js", ".html", "")
        and (path.parent.name in ("trusting", "built", "certifi") and path.name not in ("trusting", "built", "certifi"))
    )
    assert data == ["built/app.js", "certifi/cacert.pem", "trusting/.env", "trusting/ca.pem", "trusting/page.html"]
