"""Images whose program is one of busybox's, made without a freeze."""

from __future__ import annotations

import json
import shutil
import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from support import FROZEN, PACKED, engine_or_skip, tool_or_skip

from pystatic_tasks.config.model import ImageConfig, ImageOptions, Layout, Smoke
from pystatic_tasks.in_env.protocol import TreeFile
from pystatic_tasks.steps.context import StepContext
from pystatic_tasks.steps.image.step import build_image
from pystatic_tasks.steps.manifest import write_manifest
from pystatic_tasks.system.files import fingerprint

NO_OPTIONS = ImageOptions()
# Tests may have another one for what is made meanwhile.
TEMPORARY = tempfile.gettempdir()


def build(
    root: Path,
    applet: str,
    app: str | None = None,
    layout: Layout = "onefile",
    image_options: ImageOptions = NO_OPTIONS,
    **smoke: Any,
) -> ImageConfig:
    """An image whose program is one of busybox's, which does not look like a shell."""
    engine_or_skip("sandbox")
    image = make_config(root, applet, app, layout, image_options, **smoke)
    if image_options == NO_OPTIONS:
        copy_project(Path(built(applet, app, layout).name), root)
    else:
        build_in(image)
    return image


def make_config(
    root: Path, applet: str, app: str | None, layout: Layout, image_options: ImageOptions, **smoke: Any
) -> ImageConfig:
    return ImageConfig(
        root=root,
        project=root,
        name=applet,
        app=app,
        script=None if app else "x.py",
        layout=layout,
        packer="staticx",
        image=image_options,
        smoke=Smoke(engine="sandbox", **smoke),
    )


@cache
def built(applet: str, app: str | None, layout: Layout) -> tempfile.TemporaryDirectory[str]:
    """Where such an image is built, once for all tests."""
    folder = tempfile.TemporaryDirectory(prefix="pystatic-test-", dir=TEMPORARY)
    build_in(make_config(Path(folder.name), applet, app, layout, NO_OPTIONS))
    return folder


def copy_project(source: Path, target: Path) -> None:
    """Copy all of it; what the steps left there names files by their paths."""
    shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)
    for manifest in (target / "build").rglob("*.json"):
        content = json.loads(manifest.read_text(encoding="utf-8").replace(str(source), str(target)))
        if "checksum" in content:
            content["checksum"] = fingerprint({name: each for name, each in content.items() if name != "checksum"})
        manifest.write_text(json.dumps(content), encoding="utf-8")


def build_in(image: ImageConfig) -> None:
    """Build it in its folder, as if it had been frozen and packed."""
    busybox, root = Path(tool_or_skip("busybox")), image.root
    (root / "pyproject.toml").write_text("", encoding="utf-8")
    files = (TreeFile(path=f"/{image.name}", owner="project"),) if image.layout == "tree" else ()
    frozen = replace(FROZEN, program=root / "program", files=files, ports=())
    (root / "program").mkdir()
    shutil.copy(busybox, root / "program" / image.name)
    image.dist.mkdir(parents=True)
    (image.dist / image.name).symlink_to(busybox)
    write_manifest(image, frozen, inputs="", outputs=[busybox])
    write_manifest(image, PACKED, inputs="", outputs=[busybox])
    build_image(image, StepContext(say=lambda line: None))
