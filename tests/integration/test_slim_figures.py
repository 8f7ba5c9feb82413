"""What slim makes of the sample app and of Django's admin, in bytes; docs/slim.md has the same figures."""

from __future__ import annotations

import platform
import shutil
from pathlib import Path

import pytest
from support import DEBIANS_PYTHON, REPOSITORY, Project, copy_repository, only_everywhere, tool_or_skip

VERSION = "3.11.2"
# Bytes on disk and on the wire that a slim image of the sample app may have, with TLS and without. A little more than
# it has, for what dependencies grow by.
LARGEST = {
    ("onefile", "true"): (5_600_000, 5_500_000),
    ("onefile", "false"): (4_100_000, 4_000_000),
    ("tree", "true"): (21_300_000, 7_300_000),
    ("tree", "false"): (15_600_000, 5_100_000),
}
# Of the bytes of the whole image, those of a slim one of Django with its admin.
DJANGOS_PART = 0.78


def only_here() -> None:
    """Skip where other figures are right."""
    tool_or_skip("uv")
    if platform.machine() != "x86_64" or not DEBIANS_PYTHON.exists():
        pytest.skip(f"the figures are of {DEBIANS_PYTHON} on x86-64")


@pytest.fixture(scope="module")
def slim_sample(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The sample app, slim by its requests."""
    only_here()
    project = copy_repository(tmp_path_factory.mktemp("figures") / "repository", backend="uv")
    project.configure("[tool.pystatic-tasks]\n", f'[tool.pystatic-tasks]\npython = "{DEBIANS_PYTHON}"\n')
    project.nox("-s", "image", "--", "--engine", "sandbox")
    if project.manifest("image.json")["python"] != VERSION:
        pytest.skip(f"the figures are of Python {VERSION}")
    project.nox("-s", "slim", "--", "--engine", "sandbox")
    return project


@pytest.mark.parametrize(("layout", "tls"), LARGEST)
def test_the_sample_app_is_as_small_as_is_said(slim_sample: Project, layout: str, tls: str) -> None:
    words = ("-s", "smoke", "--", "--engine", "sandbox", "--layout", layout)
    printed = slim_sample.nox(*words, PYSTATIC_TASKS_SLIM_TLS=tls)
    assert "FAILED" not in printed
    assert "slowest imports: " in printed
    image = slim_sample.manifest("image.json")
    print(f"{layout}, TLS {tls}: {image['size_bytes']:,} bytes, {image['compressed_bytes']:,} on the wire")
    largest = LARGEST[layout, tls]
    assert (image["size_bytes"] <= largest[0], image["compressed_bytes"] <= largest[1]) == (True, True)
    assert "gunicorn" in {each["name"] for each in slim_sample.manifest("sbom.cdx.json")["components"]}


@only_everywhere
def test_django_with_its_admin_loses_what_the_admin_does_not_use(tmp_path: Path) -> None:
    only_here()
    root = tmp_path / "project"
    shutil.copytree(REPOSITORY / "tests" / "projects" / "django_notes", root)
    project = Project(root, "django-notes", backend="uv")
    python = str(DEBIANS_PYTHON)
    printed = project.nox("-s", "image", "slim", "--", "--engine", "sandbox", PYSTATIC_TASKS_PYTHON=python)
    assert "not fully observed" not in printed
    whole = project.manifest("image.json")["size_bytes"]
    assert "FAILED" not in project.nox("-s", "smoke", "--", "--engine", "sandbox", PYSTATIC_TASKS_PYTHON=python)
    slim = project.manifest("image.json")["size_bytes"]
    print(f"Django with admin: {slim:,} of {whole:,} bytes, {slim / whole:.3f}")
    assert slim <= DJANGOS_PART * whole
