"""What this machine and the interpreter must bring: asked before anything is installed, and by `pystatic check`."""

from __future__ import annotations

import os
import platform
import shutil
import sys

from pystatic_tasks.errors import ConfigError, MissingToolError
from pystatic_tasks.system.texts import printable

TOOLS = {"strip": "binutils", "objcopy": "binutils", "ldd": "libc-bin"}
# By what Linux, macOS and Windows call them.
ARCHITECTURES = {"x86_64": "amd64", "AMD64": "amd64", "aarch64": "arm64", "ARM64": "arm64"}


def host_platform() -> str:
    """This machine as an OCI platform, such as "linux/amd64"."""
    machine = platform.machine()
    return f"linux/{ARCHITECTURES.get(machine, machine)}"


def is_linux() -> bool:
    """Whether programs can be frozen here: the one place that asks for the system."""
    return sys.platform == "linux"


def is_root() -> bool:
    """Whether we may do everything; Windows has nobody of that kind."""
    return hasattr(os, "geteuid") and os.geteuid() == 0


def check_system() -> None:
    """Raises MissingToolError unless this is Linux."""
    if not is_linux():
        raise MissingToolError(
            f"Programs are frozen on Linux, and this is {platform.system()}.",
            "Have it done in a container: --in docker or --in podman.",
        )


def check_tool(tool: str) -> None:
    """Raises MissingToolError unless one of `TOOLS` is there."""
    if shutil.which(tool) is None:
        raise MissingToolError(
            f'The program "{tool}" is not on the PATH.', f"Install it: apt-get install {TOOLS[tool]}."
        )


def check_machine() -> None:
    """Raises MissingToolError unless this is Linux with the tools that the steps call."""
    check_system()
    for tool in TOOLS:
        check_tool(tool)


def check_platform(wanted: str) -> None:
    """Raises ConfigError if an image for another platform is asked for; "" asks for none."""
    if wanted and wanted != host_platform():
        raise ConfigError(
            f"--platform {printable(wanted)}: this machine builds {host_platform()} only.",
            "Run it on a machine of that platform, or in a container of it: --in docker or --in podman.",
        )
