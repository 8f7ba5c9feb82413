"""What this machine and the interpreter must bring: asked before anything is installed, and by `pystatic check`."""

from __future__ import annotations

import platform
import shutil
import sys

from pystatic_tasks.errors import ConfigError, MissingToolError
from pystatic_tasks.system.texts import printable

TOOLS = {"strip": "binutils", "objcopy": "binutils", "ldd": "libc-bin"}
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def host_platform() -> str:
    """This machine as an OCI platform, such as "linux/amd64"."""
    machine = platform.machine()
    return f"linux/{ARCHITECTURES.get(machine, machine)}"


def check_system() -> None:
    """Raises MissingToolError unless this is Linux."""
    if sys.platform != "linux":
        raise MissingToolError(
            f"Images are built on Linux, and this is {platform.system()}.", "Run it in a Linux machine or container."
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


def check_platform(wanted: str | None) -> None:
    """Raises ConfigError if an image for another platform is asked for."""
    if wanted and wanted != host_platform():
        raise ConfigError(
            f"--platform {printable(wanted)}: this machine builds {host_platform()} only.",
            "Run it on a machine of that platform.",
        )
