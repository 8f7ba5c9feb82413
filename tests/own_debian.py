"""This machine's own Debian, cut down to what programs can be frozen in."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from support import DEBIANS_PYTHON, tool_or_skip

# What a base must hold, beside what every Debian has.
PACKAGES = ("python3-venv", "binutils", "git", "openssh-client", "ca-certificates", "tzdata", "media-types")
NOT_FOLLOWED = [f"--no-{each}" for each in ("recommends", "suggests", "conflicts", "breaks", "replaces", "enhances")]
LINKS = ("/bin", "/sbin", "/lib", "/lib64")
# What installations make that are no package's files.
MADE = ("/var/lib/dpkg", "/etc/alternatives", "/etc/passwd", "/etc/group", "/etc/ld.so.cache", "/etc/ssl/certs")


def own_packages() -> set[str]:
    """Packages of this machine that a small Debian with Debian's Python is made of."""
    shown = output("dpkg-query", "--show", "--showformat=${Package} ${Essential}\n").splitlines()
    installed = {line.split()[0] for line in shown}
    essential = {line.split()[0] for line in shown if line.endswith(" yes")}
    library = f"libpython{DEBIANS_PYTHON.resolve().name.removeprefix('python')}"
    wanted = sorted({*essential, *PACKAGES, library} & installed)
    lines = output("apt-cache", "depends", "--recurse", "--installed", *NOT_FOLLOWED, *wanted).splitlines()
    return {line.partition(":")[0] for line in lines} & installed


def own_files() -> set[str]:
    """Their files and folders, by the paths that lead through no links, and the links beside them."""
    listed = output("dpkg-query", "--listfiles", *sorted(own_packages())).splitlines()
    made = (path for top in MADE for path in (Path(top), *Path(top).rglob("*")))
    found = (path for path in (*map(Path, (*LINKS, *listed)), *made) if path.name and os.path.lexists(path))
    return {str(path.parent.resolve() / path.name) for path in found}


def output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def own_debian() -> bytes:
    """It as a tar; skips the test where it lacks something."""
    for tool in ("dpkg-query", "git", "ssh", "strip"):
        tool_or_skip(tool)
    if not DEBIANS_PYTHON.exists():
        pytest.skip("there is no Python of Debian's here")
    names = "\0".join(sorted(path.removeprefix("/") for path in own_files()))
    tar = ("tar", "--create", "--directory=/", "--null", "--no-recursion", "--files-from=-")
    return subprocess.run(tar, input=names.encode(), capture_output=True, check=True).stdout
