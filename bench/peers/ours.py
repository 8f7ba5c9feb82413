"""The same projects by this one, in all its forms."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomlkit

from bench.build import WORKERS, run
from bench.containers import DEBIANS_PYTHON
from bench.peers.images import Workshop, copy_project, image_of
from bench.peers.peer import Project, slug
from bench.stranger import NOXFILE


@dataclass(frozen=True, kw_only=True)
class Form:
    """One of our images.

    Attributes:
        name: As it is shown.
        settings: What its table in the configuration says.
        is_slim: Whether what was not used is left out.
    """

    name: str
    settings: Mapping[str, Any]
    is_slim: bool = False

    @property
    def key(self) -> str:
        return slug(self.name)


FORMS = (
    Form(name="ours, one file", settings={"layout": "onefile"}),
    Form(name="ours, one file, slim", settings={"layout": "onefile"}, is_slim=True),
    Form(name="ours, tree", settings={"layout": "tree"}),
    Form(name="ours, tree, slim", settings={"layout": "tree"}, is_slim=True),
    Form(name="ours, one file by StaticX", settings={"layout": "onefile", "packer": "staticx"}),
)


def folder_of(shop: Workshop, one: Project) -> Path:
    return shop.folder / one.name / "ours"


def archive_of(shop: Workshop, one: Project, form: Form) -> Path:
    return folder_of(shop, one) / "dist/pystatic" / form.key / "image.tar"


def source_of(shop: Workshop, one: Project) -> Path:
    return folder_of(shop, one) / "project" / one.source


def lay_out(shop: Workshop, one: Project) -> None:
    """The project as it is, with all forms in one configuration beside it."""
    folder = folder_of(shop, one)
    project = folder / "project"
    shutil.rmtree(project, ignore_errors=True)
    copy_project(one, project)
    configuration = {
        "app": one.app,
        "install": ["./project"],
        "server": {"workers": WORKERS},
        "smoke": {"requests": [{"path": one.question.path, "json": dict(one.question.answer)}]},
        "images": {form.key: {**form.settings, "image": {"tags": [image_of(form.key, one)]}} for form in FORMS},
    }
    (folder / "pyproject.toml").write_text(tomlkit.dumps({"tool": {"pystatic-tasks": configuration}}), encoding="utf-8")
    (folder / "noxfile.py").write_text(NOXFILE, encoding="utf-8")


def build(shop: Workshop, one: Project, form: Form, address: str, *options: str) -> float:
    """Build one of our images, without any engine; the seconds that it took.

    Raises:
        BenchError: it failed.
    """
    started = time.monotonic()
    nox(shop, one, f"image-{form.key}", address, *options)
    return time.monotonic() - started


def make_slim(shop: Workshop, one: Project, form: Form, address: str) -> None:
    """Find out what is not used, and have it left out from now on."""
    nox(shop, one, f"slim-{form.key}", address)


def nox(shop: Workshop, one: Project, session: str, address: str, *options: str) -> None:
    command = [sys.executable, "-m", "nox", "-s", session, "--", "--engine", "sandbox", *options]
    by_pip = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": address}
    by_uv = {"UV_OFFLINE": "1", "UV_FIND_LINKS": str(shop.wheels)}
    variables = {"PYSTATIC_TASKS_PYTHON": str(DEBIANS_PYTHON), **by_pip, **by_uv}
    run(command, folder_of(shop, one), None, **variables)
