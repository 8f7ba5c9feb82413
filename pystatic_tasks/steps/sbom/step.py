"""The step: say what is on record of an image, and write it in other formats too."""

from __future__ import annotations

from pystatic_tasks.bom.components import counted
from pystatic_tasks.bom.formats import CYCLONEDX, SPDX, as_spdx
from pystatic_tasks.config.model import ImageConfig, shown
from pystatic_tasks.steps.context import StepContext
from pystatic_tasks.steps.manifest import require_result
from pystatic_tasks.steps.results import Built
from pystatic_tasks.system.files import write_whole


def sbom(config: ImageConfig, context: StepContext) -> Built:
    """Say what `sbom.cdx.json` holds, which is written with every image; write `sbom.spdx.json` if asked for.

    Raises:
        MissingToolError: the library for SPDX is not installed.
    """
    built = require_result(config, Built)
    context.say(f"{shown(config, config.dist / CYCLONEDX)}: {counted(built.components)}")
    if "spdx" in context.formats:
        write_whole(config.dist / SPDX, as_spdx(built, built.components))
        context.say(f"{shown(config, config.dist / SPDX)}: the same in SPDX")
    return built
