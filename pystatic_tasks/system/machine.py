"""Checks what this machine must have: before anything is installed, and for `pystatic check`."""

from __future__ import annotations

import difflib
import os
import platform
import shutil
import sys

from pystatic_tasks.errors import ConfigError, MissingToolError
from pystatic_tasks.system.texts import printable

TOOLS = {"strip": "binutils", "objcopy": "binutils", "ldd": "libc-bin"}
# Other names of processors, and names with a variant that is meant anyway; as in containerd:
# https://github.com/containerd/platforms/blob/main/database.go
ARCHITECTURES = {"x86_64": "amd64", "x86-64": "amd64", "aarch64": "arm64", "i386": "386"}
VARIANTS = {
    **{"amd64/v1": "amd64", "arm64/8": "arm64", "arm64/v8": "arm64", "arm64/v8.0": "arm64"},
    **{"arm64/9": "arm64/v9", "arm64/9.0": "arm64/v9", "arm64/v9.0": "arm64/v9"},
    **{"arm": "arm/v7", "armhf": "arm/v7", "armel": "arm/v6"},
    **{f"arm/{number}": f"arm/v{number}" for number in range(5, 9)},
}
# As in https://go.dev/doc/install/source#environment, and so in OCI.
PROCESSORS = (
    *("386", "amd64", "arm", "arm64", "loong64", "mips", "mips64", "mips64le", "mipsle"),
    *("ppc64", "ppc64le", "riscv64", "s390x"),
)


def host_platform() -> str:
    """This machine as an OCI platform, such as "linux/amd64"."""
    return normalized(f"linux/{platform.machine()}")


def normalized(wanted: str) -> str:
    """A platform under the one name that it has in containerd: "linux/arm64" for "linux/arm64/v8"."""
    system, slash, rest = wanted.lower().partition("/")
    architecture, *variant = rest.split("/")
    processor = "/".join([ARCHITECTURES.get(architecture, architecture), *variant])
    return f"{system}{slash}{VARIANTS.get(processor, processor)}"


def is_linux() -> bool:
    """Whether programs can be frozen here; the only place that checks for the operating system."""
    return sys.platform == "linux"


def is_root() -> bool:
    """Whether we are root; Windows has no such user."""
    return hasattr(os, "geteuid") and os.geteuid() == 0


def check_system() -> None:
    """Raises MissingToolError unless this is Linux."""
    if not is_linux():
        raise MissingToolError(
            f"Programs can be frozen only on Linux, but this is {platform.system()}.",
            "Build in a container: --in docker or --in podman.",
        )


def check_tool(tool: str) -> None:
    """Raises MissingToolError unless this tool of `TOOLS` is on the PATH."""
    if shutil.which(tool) is None:
        raise MissingToolError(
            f'The program "{tool}" is not on the PATH.', f"Install it: apt-get install {TOOLS[tool]}."
        )


def check_machine() -> None:
    """Raises MissingToolError unless this is Linux with the tools that the steps call."""
    check_system()
    for tool in TOOLS:
        check_tool(tool)


def check_known(wanted: str) -> None:
    """Raises ConfigError unless it is a Linux platform, with or without a variant."""
    system, _, rest = wanted.partition("/")
    architecture, slash, variant = rest.partition("/")
    if (system, architecture in PROCESSORS, bool(slash)) != ("linux", True, bool(variant)):
        known = [f"linux/{each}" for each in PROCESSORS]
        close = difflib.get_close_matches(wanted, known, n=1)
        hint = f'did you mean "{close[0]}"?' if close else f"available: {', '.join(known)}."
        raise ConfigError(f"--platform {printable(wanted)}: there is no such platform; {hint}", "Correct --platform.")


def check_platform(wanted: str) -> None:
    """Raises ConfigError if it is another platform than this machine's; "" stands for none."""
    if wanted and wanted != host_platform():
        raise ConfigError(
            f"--platform {printable(wanted)}: this machine builds {host_platform()} only.",
            "Build on a machine of that platform, or in a container for it: --in docker or --in podman.",
        )
