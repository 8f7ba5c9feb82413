"""What a lock names is what the build environment holds."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support import Project, tool_or_skip, write_project

MEMBER = """
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "{name}"
version = "1.0"
requires-python = ">=3.10"
"""
# In the lock everything is as old as it may be.
PYPROJECT = (
    MEMBER.format(name="locked-shop")
    + """
dependencies = ["gunicorn>=22.0", "stock"]
optional-dependencies = { signed = ["itsdangerous>=2.0"] }

[dependency-groups]
names = ["idna>=3.0"]
dev = ["iniconfig>=1.0"]

[tool.setuptools]
py-modules = ["locked_shop"]

[tool.uv]
resolution = "lowest-direct"
workspace = { members = ["stock"] }
sources = { stock = { workspace = true }, prices = { path = "../prices" } }

[tool.pystatic-tasks]
app = "locked_shop:app"
install = [".[signed]"]
groups = ["names"]
"""
)
STOCK = (
    MEMBER.format(name="stock") + 'dependencies = ["prices"]\n[tool.uv.sources]\nprices = { path = "../../prices" }\n'
)
LOCKED = {"gunicorn": "22.0.0", "itsdangerous": "2.0.0", "idna": "3.0", "stock": "1.0", "prices": "1.0"}


@pytest.fixture
def project(tmp_path: Path, request: pytest.FixtureRequest) -> Project:
    """A workspace of two, which takes a third project from a path, with a uv.lock; by uv unless a backend is named."""
    uv = tool_or_skip("uv")
    prices = tmp_path / "prices"
    write_project(prices, {"pyproject.toml": MEMBER.format(name="prices"), "prices/__init__.py": ""}, "prices")
    files = {
        "pyproject.toml": PYPROJECT,
        "locked_shop.py": "app = None\n",
        "stock/pyproject.toml": STOCK,
        "stock/stock/__init__.py": "",
    }
    project = write_project(tmp_path / "shop", files, "locked-shop", backend=getattr(request, "param", ""))
    project.run(uv, "lock")
    return project


def site_packages(project: Project) -> Path:
    (folder,) = project.root.glob(".nox/freeze/lib/python*/site-packages")
    return folder


def installed(project: Project) -> dict[str, str]:
    """The versions of all that is installed, by name."""
    stems = [path.name.removesuffix(".dist-info") for path in site_packages(project).glob("*.dist-info")]
    return {name: version for name, _, version in (stem.partition("-") for stem in stems)}


def modules(project: Project, name: str) -> list[str]:
    """The Python files of an installed distribution."""
    (record,) = site_packages(project).glob(f"{name}-*.dist-info/RECORD")
    paths = (line.split(",")[0] for line in record.read_text(encoding="utf-8").splitlines())
    return sorted(path for path in paths if path.endswith(".py"))


@pytest.mark.parametrize("project", ["virtualenv"], indirect=True)
def test_the_environment_holds_what_a_uv_lock_names(project: Project) -> None:
    printed = project.nox("--install-only", "-s", "freeze")
    assert "installing the versions in uv.lock" in printed
    versions = installed(project)
    assert versions.items() >= {**LOCKED, "locked_shop": "1.0"}.items()
    assert "iniconfig" not in versions
    assert "pyinstaller" in versions
    assert modules(project, "locked_shop") == ["locked_shop.py"]
    assert (modules(project, "stock"), modules(project, "prices")) == (["stock/__init__.py"], ["prices/__init__.py"])

    assert "build environment is up to date" in project.nox("--install-only", "-s", "freeze")
    (project.root / "stock/stock/__init__.py").rename(project.root / "stock/stock/levels.py")
    printed = project.nox("--install-only", "-s", "freeze")
    assert "pyinstaller" not in printed
    assert modules(project, "stock") == ["stock/levels.py"]
    assert installed(project) == versions


def test_the_environment_holds_what_a_pylock_names(project: Project) -> None:
    words = ("--group", "names", "--extra", "signed", "--format", "pylock.toml", "--output-file", "pylock.toml")
    project.run(tool_or_skip("uv"), "export", "--quiet", "--no-dev", *words)
    (project.root / "uv.lock").unlink()
    assert "editable = true" in (project.root / "pylock.toml").read_text(encoding="utf-8")
    printed = project.nox("--install-only", "-s", "freeze")
    assert "uv pip install" in printed
    assert "installing the versions in pylock.toml" in printed
    assert installed(project).items() >= {**LOCKED, "locked_shop": "1.0"}.items()
    assert modules(project, "locked_shop") == ["locked_shop.py"]
    assert (modules(project, "stock"), modules(project, "prices")) == (["stock/__init__.py"], ["prices/__init__.py"])


def test_a_file_that_is_not_the_locked_one_is_told(project: Project) -> None:
    lock = project.root / "uv.lock"
    lock.write_text(re.sub("sha256:.{8}", "sha256:00000000", lock.read_text(encoding="utf-8")), encoding="utf-8")
    printed = project.nox("--install-only", "-s", "freeze", ok=False)
    log = "build/pystatic/locked-shop/lock-install.log"
    assert f"uv cannot install what uv.lock names; its output is in {log} and ends with:" in printed
    assert "Hash mismatch" in printed
    assert "Traceback" not in printed
