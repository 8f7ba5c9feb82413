"""The step: say what is on record of an image, and write it in other formats too."""

from __future__ import annotations

from pystatic_tasks.config.model import Image
from pystatic_tasks.host import Host
from pystatic_tasks.pipeline import Manifest, require_manifest, shown, write_whole
from pystatic_tasks.sbom.components import counted, from_facts
from pystatic_tasks.sbom.formats import CYCLONEDX, SPDX, as_spdx


def sbom(image: Image, host: Host) -> Manifest:
    """Say what `sbom.cdx.json` holds, which is written with every image; write `sbom.spdx.json` if asked for.

    Raises:
        MissingToolError: the library for SPDX is not installed.
    """
    built = require_manifest(image, "image")
    components = from_facts(built.facts["components"])
    host.say(f"{shown(image, image.dist / CYCLONEDX)}: {counted(components)}")
    if "spdx" in host.formats:
        write_whole(image.dist / SPDX, as_spdx(built.facts, components))
        host.say(f"{shown(image, image.dist / SPDX)}: the same in SPDX")
    return built
