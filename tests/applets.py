"""Images whose program is one of busybox's, made without a freeze."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from support import FROZEN, PACKED, engine_or_skip, tool_or_skip

from pystatic_tasks.config.model import ImageConfig, ImageOptions, Layout, Smoke
from pystatic_tasks.in_env.protocol import TreeFile
from pystatic_tasks.steps.context import StepContext
from pystatic_tasks.steps.image.step import build_image
from pystatic_tasks.steps.manifest import write_manifest

NO_OPTIONS = ImageOptions()


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
    busybox = Path(tool_or_skip("busybox"))
    image = ImageConfig(
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
    (root / "pyproject.toml").write_text("", encoding="utf-8")
    files = (TreeFile(path=f"/{applet}", owner="project"),) if layout == "tree" else ()
    frozen = replace(FROZEN, program=root / "program", files=files, ports=())
    (root / "program").mkdir()
    shutil.copy(busybox, root / "program" / applet)
    image.dist.mkdir(parents=True)
    (image.dist / applet).symlink_to(busybox)
    write_manifest(image, frozen, inputs="", outputs=[busybox])
    write_manifest(image, PACKED, inputs="", outputs=[busybox])
    build_image(image, StepContext(say=lambda line: None))
    return image
