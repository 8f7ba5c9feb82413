"""A project whose own build depends on the folder where it is built: what is said of it."""

from __future__ import annotations

import tarfile
from pathlib import Path

from support import write_project

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


def test_what_differs_first_between_two_builds_is_named(tmp_path: Path) -> None:
    project = write_project(tmp_path, STAMPED, "stamped")
    printed = project.nox("-s", "image", "--", "--engine", "sandbox", "--check-reproducible", ok=False)
    with tarfile.open(project.result("rootfs.tar")) as tar:
        (path,) = [name for name in tar.getnames() if name.endswith("/when.pyc")]
    assert f"Two builds of stamped differ, first in /{path} in the layer project:\n  first   " in printed
    assert "the second image is in build/pystatic/stamped/second" in printed
    assert (tmp_path / "build/pystatic/stamped/second/image.tar").is_file()
