"""The package as it would be released: what `nox -s package` left in dist/release, which runs these tests."""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
import time
import zipfile
from pathlib import Path

from support import REPOSITORY

RELEASE = REPOSITORY / "dist" / "release"
LAUNCHER = "pystatic_tasks/in_image/launcher"
# Of the source distribution, beside the package itself.
BESIDE = {".gitignore", "CHANGELOG.md", "LICENSE", "PKG-INFO", "README.md", "pyproject.toml"}
# What comes with this package where Nox is: what pyproject.toml names, and what that needs.
ADDED = {
    *("pystatic-tasks", "deflate", "jinja2", "markupsafe", "tomlkit"),
    *("cyclonedx-python-lib", "boolean-py", "defusedxml", "license-expression", "packageurl-python"),
    *("py-serializable", "sortedcontainers"),
    *(["typing-extensions"] if sys.version_info < (3, 13) else []),
}


def one(pattern: str) -> Path:
    """The only file of that kind."""
    [found] = RELEASE.glob(pattern)
    return found


def in_git() -> set[str]:
    """The files of the package, as the repository has them."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "pystatic_tasks"]
    listed = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    return set(listed.stdout.splitlines())


def test_the_wheel_holds_the_package_and_nothing_else() -> None:
    with zipfile.ZipFile(one("*.whl")) as wheel:
        names = {name for name in wheel.namelist() if not name.startswith("pystatic_tasks-")}
        executable = {each.filename for each in wheel.infolist() if each.external_attr >> 16 & 0o100}
    assert names == in_git()
    assert executable == {f"{LAUNCHER}/launcher-aarch64", f"{LAUNCHER}/launcher-x86_64"}


def test_the_wheel_names_its_licences_and_commands() -> None:
    with zipfile.ZipFile(one("*.whl")) as wheel:
        about = {name.partition(".dist-info/")[2] for name in wheel.namelist() if ".dist-info/" in name}
        entry_points = wheel.read(next(name for name in wheel.namelist() if name.endswith("entry_points.txt"))).decode()
    assert {name for name in about if name.startswith("licenses/")} == {
        "licenses/LICENSE",
        *(f"licenses/{LAUNCHER}/LICENSE.{name}" for name in ("musl", "zig", "zstd")),
    }
    assert "pystatic = pystatic_tasks.__main__:main\n" in entry_points


def test_the_source_distribution_holds_what_a_wheel_is_built_from() -> None:
    with tarfile.open(one("*.tar.gz")) as archive:
        names = {member.name.partition("/")[2] for member in archive.getmembers() if member.isfile()}
    assert names == in_git() | BESIDE


def test_installed_beside_nox_it_adds_what_the_core_needs(tmp_path: Path) -> None:
    python = tmp_path / "environment" / "bin" / "python"
    uv("venv", "--python", sys.executable, str(tmp_path / "environment"))
    uv("pip", "install", "--python", str(python), "nox")
    before = installed(python)
    begun = time.monotonic()
    uv("pip", "install", "--python", str(python), str(one("*.whl")))
    print(f"installed in {time.monotonic() - begun:.1f} s")
    assert installed(python) - before == ADDED
    pystatic = str(python.with_name("pystatic"))
    assert "usage: pystatic" in subprocess.run([pystatic, "--help"], capture_output=True, text=True, check=True).stdout


def installed(python: Path) -> set[str]:
    """The names of all distributions of an environment."""
    return {each["name"] for each in json.loads(uv("pip", "list", "--python", str(python), "--format", "json"))}


def uv(*arguments: str) -> str:
    command = [sys.executable, "-m", "uv", "--quiet", *arguments]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
