"""The formats of a bill of materials; each library is imported only when its format is written."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from pystatic_tasks.errors import MissingToolError
from pystatic_tasks.in_env.protocol import Component
from pystatic_tasks.oci.description import ImageDescription

CYCLONEDX = "sbom.cdx.json"
SPDX = "sbom.spdx.json"
# With the file ending that the standard asks for.
SPDX3 = "sbom.spdx3.json"


def as_cyclonedx(built: ImageDescription, components: Sequence[Component]) -> str:
    """The text of `sbom.cdx.json`, for an image and its components."""
    # A library below it logs each object that it reads or writes, and Nox keeps the messages of all loggers.
    logging.getLogger("py_serializable").setLevel(logging.WARNING)
    from pystatic_tasks.bom.cyclonedx import write_cyclonedx

    return write_cyclonedx(built, components)


def as_spdx(built: ImageDescription, components: Sequence[Component]) -> str:
    """The text of `sbom.spdx.json`.

    Raises:
        MissingToolError: the library for it is not installed.
    """
    try:
        from pystatic_tasks.bom.spdx import write_spdx
    except ImportError:
        raise MissingToolError(
            "--format spdx needs a library that is not installed beside Nox.",
            'Install it: pip install "pystatic-tasks[spdx]".',
        ) from None
    return write_spdx(built, components)


def as_spdx3(built: ImageDescription, components: Sequence[Component]) -> str:
    """The text of `sbom.spdx3.json`."""
    from pystatic_tasks.bom.spdx3 import write_spdx3

    return write_spdx3(built, components)
