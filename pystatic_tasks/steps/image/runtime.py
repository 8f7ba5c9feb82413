"""How the image is run and what its labels are, from the configuration, the project and git."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

from packaging.utils import canonicalize_name

from pystatic_tasks.config.model import ImageConfig
from pystatic_tasks.config.project import read_pyproject
from pystatic_tasks.errors import ConfigError
from pystatic_tasks.oci.manifest import Runtime
from pystatic_tasks.steps.image.labels import project_labels
from pystatic_tasks.steps.results import Frozen
from pystatic_tasks.system.git import Git

LATEST_SECONDS = 253402300799  # The end of the year 9999.


def creation_time(git: Git) -> int:
    """SOURCE_DATE_EPOCH, or the commit's time, or 0: seconds since 1970."""
    given = os.environ.get("SOURCE_DATE_EPOCH")
    if not given:
        return git.commit_time
    if not re.fullmatch("[0-9]+", given) or int(given) > LATEST_SECONDS:
        raise ConfigError(
            f"SOURCE_DATE_EPOCH = {given!r} is not a number of seconds since 1970.", "Correct or unset the variable."
        )
    return int(given)


def make_runtime(config: ImageConfig, frozen: Frozen, git: Git) -> Runtime:
    project = read_pyproject(config.project).get("project", {})
    labels = project_labels(project, project_version(project, frozen.distributions), git)
    labels.setdefault("org.opencontainers.image.title", config.name)
    ports = frozen.ports if config.image.ports is None else config.image.ports
    program = f"/{config.name}"
    return Runtime(
        platform=frozen.platform,
        user=config.image.user,
        entrypoint=[program],
        env=[f"{name}={value}" for name, value in sorted(config.environment.items())],
        ports=sorted(ports),
        labels=dict(sorted({**labels, **config.image.labels}.items())),
        healthcheck=[program, "--healthcheck", config.image.healthcheck] if config.image.healthcheck else [],
        volumes=tuple(sorted(config.image.volumes)),
    )


def project_version(project: Mapping[str, Any], distributions: Mapping[str, str]) -> str:
    installed = {canonicalize_name(name): version for name, version in distributions.items()}
    return installed.get(canonicalize_name(str(project.get("name", "")))) or str(project.get("version", ""))
