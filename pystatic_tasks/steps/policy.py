"""How smoke and run let an image run: as a careful operator would, with the project's settings for its runs."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from types import MappingProxyType

from pystatic_tasks.config.model import ImageConfig
from pystatic_tasks.config.variables import resolved
from pystatic_tasks.engines import Policy
from pystatic_tasks.in_image.heard import TRIAL


def make_policy(
    config: ImageConfig,
    *,
    user: str,
    step: str,
    env: Mapping[str, str] = MappingProxyType({}),
    publish: tuple[str, int] | None = None,
) -> Policy:
    """The policy for one run of the image.

    Args:
        config: The image.
        user: "UID:GID".
        step: The step that runs it; containers that an earlier, killed run of this step left are removed.
        env: Environment variables that override `smoke.env`.
        publish: Host and port to publish its port at; by default a free port of 127.0.0.1.

    Raises:
        ConfigError: `smoke.env` names a variable that the caller does not have.
    """
    return Policy(
        user=user,
        writable_tmp=config.has_tmp,
        memory_bytes=config.smoke.memory,
        env={**resolved(config.smoke.env, "smoke.env"), TRIAL: "1", **env},
        # Identifies this step for this image, built in this folder on this machine.
        owner=f"{socket.gethostname()}:{config.work}:{step}",
        host_network=bool(config.services),
        publish=publish,
    )
