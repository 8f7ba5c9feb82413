"""An image with one static program, a shell with its tools, run by engines that need no daemon."""

from __future__ import annotations

import gzip
import subprocess
import time
from functools import partial
from pathlib import Path

import pytest
from support import FROZEN, tool_or_skip

from pystatic_tasks.config.model import ImageConfig
from pystatic_tasks.engines import Engine
from pystatic_tasks.engines.base import Artifact, Container, Policy
from pystatic_tasks.oci.archive import write_archive
from pystatic_tasks.oci.layers import Entry, make_layer
from pystatic_tasks.oci.manifest import Runtime, make_image
from pystatic_tasks.steps.image.rootfs import root_entries

SERVES = "trap 'exit 0' TERM; echo ready; while :; do sleep 0.02; done"
POLICY = Policy(user="23456:34567", writable_tmp=True, memory_bytes=100_000_000)
NOTHING_WRITABLE = Policy(user="23456:34567", writable_tmp=False, memory_bytes=100_000_000)


def write_image(path: Path, *layers: list[Entry]) -> None:
    runtime = Runtime(platform="linux/amd64", user="1:1", entrypoint=["/busybox"], env=[], ports=[], labels={})
    # How small it gets does not matter.
    stored = partial(gzip.compress, compresslevel=0, mtime=0)
    made = make_image([make_layer("program", entries, 0, {"gzip": stored}) for entries in layers], runtime, 0, "gzip")
    path.write_bytes(write_archive(made, ["busybox:latest"]))


def make_box(root: Path) -> Artifact:
    """An image with one static program, which is a shell with its tools, made in that folder."""
    busybox = Path(tool_or_skip("busybox"))
    if "=>" in subprocess.run(["ldd", busybox], capture_output=True, text=True, check=False, timeout=20).stdout:
        pytest.skip("this busybox needs libraries; install busybox-static")
    image = ImageConfig(root=root, project=root, name="busybox", script="x.py")
    image.dist.mkdir(parents=True)
    (image.dist / "busybox").symlink_to(busybox)
    write_image(root / "image.tar", *root_entries(image, FROZEN).values())
    return Artifact(
        archive=root / "image.tar", image_id="", references=(), entrypoint="/busybox", env={"OWN": "a  b$ü"}, port=None
    )


def run(engine: Engine, artifact: Artifact, script: str, policy: Policy = POLICY) -> tuple[int | None, str]:
    """Exit code and output of a shell script in an engine."""
    container = engine.start(artifact, policy, ["sh", "-c", script])
    try:
        return container.wait(10), container.output().strip()
    finally:
        container.remove()


def wait_until_ready(container: Container) -> None:
    end = time.monotonic() + 10
    while "ready" not in container.output():
        assert time.monotonic() < end
        time.sleep(0.01)
