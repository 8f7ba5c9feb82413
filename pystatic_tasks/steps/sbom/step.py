"""The step: summarizes the bill of materials of an image, and writes it in other formats too."""

from __future__ import annotations

from pystatic_tasks.bom.components import counted
from pystatic_tasks.bom.formats import CYCLONEDX, SPDX, SPDX3, as_spdx, as_spdx3
from pystatic_tasks.bom.gaps import gaps
from pystatic_tasks.config.model import ImageConfig, shown
from pystatic_tasks.steps.context import StepContext
from pystatic_tasks.steps.manifest import require_result
from pystatic_tasks.steps.results import Built
from pystatic_tasks.system.files import write_whole


def sbom(config: ImageConfig, context: StepContext) -> Built:
    """Summarize `sbom.cdx.json`, which is written with every image, and write other formats if requested.

    Raises:
        MissingToolError: the library for SPDX is not installed.
    """
    built = require_result(config, Built)
    context.say(f"{shown(config, config.dist / CYCLONEDX)}: {counted(built.components)}")
    for line in gaps(built.components):
        context.say(line)
    others = (("spdx", SPDX, as_spdx, "SPDX 2.3"), ("spdx3", SPDX3, as_spdx3, "SPDX 3.0.1"))
    for name, file, write, standard in others:
        if name in context.formats:
            write_whole(config.dist / file, write(built, built.components))
            context.say(f"{shown(config, config.dist / file)}: the same in {standard}")
    return built
