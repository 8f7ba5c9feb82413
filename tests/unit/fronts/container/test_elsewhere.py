"""What runs on the caller's machine runs without Linux: no tool on the PATH, no module and no call of Linux only."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path, PureWindowsPath

import pytest
from support import FROZEN, PACKED, REPOSITORY

from pystatic_tasks.fronts.container.build import bind
from pystatic_tasks.in_env.records import to_json

# Libraries first, as they are made for the system that they are on; the last lines are all that is ours.
ON_ANOTHER_SYSTEM = """
import asyncio, importlib, json, os, pkgutil, signal, socket, subprocess, sys, tempfile
from pathlib import Path
import deflate, invoke, nox, urllib3
from cyclonedx.output.json import JsonV1Dot6

for name in ("fcntl", "grp", "pwd", "resource", "termios"):
    sys.modules[name] = None
for name in ("O_DIRECTORY", "O_NOFOLLOW", "O_NONBLOCK", "chown", "fchmod", "getegid", "geteuid", "getuid", "killpg",
             "register_at_fork", "setsid", "memfd_create"):
    if hasattr(os, name):
        delattr(os, name)
for name in ("SIGKILL", "pthread_sigmask"):
    delattr(signal, name)
del socket.AF_UNIX

import pystatic_tasks
from pystatic_tasks.system import machine
machine.is_linux = lambda: False
# They run elsewhere; locks of Windows are by a module that is not here.
ELSEWHERE = ("in_env", "in_image", "hooks", "fronts.carried_noxfile", "runner", "tasks")
for found in pkgutil.walk_packages(pystatic_tasks.__path__, "pystatic_tasks."):
    if not found.name.removeprefix("pystatic_tasks.").startswith(ELSEWHERE):
        importlib.import_module(found.name)

from pystatic_tasks.config import load_config
from pystatic_tasks.errors import PystaticError
from pystatic_tasks.fronts.container.build import adopt
from pystatic_tasks.oci.registry import retries
from pystatic_tasks.steps.context import StepContext
from pystatic_tasks.steps.table import STEPS

retries.DELAYS_SECONDS = ()
root = Path(sys.argv[1])
config, = load_config(root, overrides={}, environment={})
adopt(config, config.work / "container")
context = StepContext(say=lambda line: None)
for step in ("image", "sbom"):
    STEPS[step].run(config, context)
try:
    STEPS["push"].run(config, context)
except PystaticError as error:
    print(error.problem)
"""
SHOP = """
[project]
name = "shop"
version = "1.4"
[tool.pystatic-tasks]
app = "shop:app"
image.tags = ["127.0.0.1:9/shop:1.4"]
image.certificates = true
smoke.engine = "sandbox"
"""


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """What comes out of a container, in the project that it was made for."""
    root = tmp_path / "shop"
    folder = root / "build/pystatic/shop/container"
    bundle = folder / "system/etc/ssl/certs/ca-certificates.crt"
    bundle.parent.mkdir(parents=True)
    bundle.write_text("authorities of the container", encoding="utf-8")
    (folder / "logs").mkdir()
    frozen = {**to_json(FROZEN), "system_copy": {"folder": "/there", "packages": {}}, "platform": "linux/arm64"}
    (folder / "freeze.json").write_text(json.dumps(frozen), encoding="utf-8")
    (folder / "staticx.json").write_text(json.dumps(to_json(PACKED)), encoding="utf-8")
    (folder / "program").write_bytes(b"program")
    (root / "pyproject.toml").write_text(SHOP, encoding="utf-8")
    return root


def test_image_sbom_and_push_need_nothing_of_linux(results: Path, tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()
    variables = {**os.environ, "PATH": str(tmp_path / "nothing"), "PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-c", ON_ANOTHER_SYSTEM, str(results)]
    ended = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == "127.0.0.1:9 cannot be reached: Connection refused.\n"
    made = results / "dist/pystatic/shop"
    assert {path.name for path in made.iterdir()} >= {"shop", "image.tar", "image.json", "sbom.cdx.json"}
    assert json.loads((made / "image.json").read_text(encoding="utf-8"))["platform"] == "linux/arm64"
    assert b"authorities of the container" in (made / "rootfs.tar").read_bytes()


def test_paths_of_windows_are_mounted_as_they_are() -> None:
    path = PureWindowsPath(r"C:\Users\Ada L\shop")
    assert bind(str(path), "/project/shop") == r"type=bind,source=C:\Users\Ada L\shop,target=/project/shop,readonly"
