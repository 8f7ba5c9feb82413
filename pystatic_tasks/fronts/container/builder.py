"""The image that containers are of in which programs are frozen: made once, and known by what it is made from."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

from pystatic_tasks.config.model import ImageConfig, shown
from pystatic_tasks.engines.base import call
from pystatic_tasks.errors import ConfigError, MissingToolError
from pystatic_tasks.steps.context import StepContext
from pystatic_tasks.system.files import fingerprint
from pystatic_tasks.system.processes import last_lines, run_logged

DOCKERFILE = Path(__file__).with_name("Dockerfile")
# Which the engines hand on without keeping them.
PROXIES = ("http_proxy", "https_proxy", "ftp_proxy", "no_proxy")
PROXY_VARIABLES = (*PROXIES, *map(str.upper, PROXIES))
# What Linux says of a program of another machine.
CANNOT_EXECUTE = "exec format error"


def base_image(config: ImageConfig) -> str:
    """The image that is asked for, or Docker's own of the wanted Python.

    Raises:
        ConfigError: the Python is one of this machine, and no image is named.
    """
    if config.build.image:
        return config.build.image
    here = ".".join(map(str, sys.version_info[:2]))
    version = re.fullmatch(r"(?:python)?(\d+(?:\.\d+)*)", config.python or here)
    if not version:
        raise ConfigError(
            f'tool.pystatic-tasks.python = "{config.python}" is a Python of this machine, '
            f"but the program is frozen in a {config.build.place} container.",
            'Set a version, such as python = "3.13", or set build.image to an image that has this Python.',
        )
    return f"python:{version[1]}-slim"


def ensure_builder(config: ImageConfig, context: StepContext, platform: str | None) -> str:
    """The name of the image to freeze in, which is made if it is not there.

    Raises:
        ConfigError: there is no such base.
        MissingToolError: what it lacks could not be installed.
    """
    engine, base = config.build.place, base_image(config)
    identity = find_base(engine, base, platform) or pull(config, context, base, platform)
    # Some engines know an image for all of its platforms by one identity.
    made_of = [DOCKERFILE.read_text(encoding="utf-8"), identity, *chosen(platform)]
    name = f"pystatic-builder:{fingerprint(made_of)[:16]}"
    if not inspect(engine, name):
        with context.terminal.activity(f"making a build image from {base}"):
            make(config, base, name, platform)
        context.say(f"{name}: build image made from {base}, kept in {engine}")
    return name


def find_base(engine: str, base: str, platform: str | None) -> str:
    """What the engine knows the base by; "" if it is not there for that platform."""
    identity, _, there = inspect(engine, base).partition(" ")
    # Without the variant of a processor, which not every image has on record.
    wanted = "/".join(platform.split("/")[:2]) if platform else there
    return identity if wanted == there else ""


def inspect(engine: str, image: str) -> str:
    """Identity and platform of an image, or ""."""
    template = "{{.Id}} {{.Os}}/{{.Architecture}}"
    return call(engine, "image", "inspect", "--format", template, image, check=False).stdout.strip()


def pull(config: ImageConfig, context: StepContext, base: str, platform: str | None) -> str:
    """Pull the base; what the engine knows it by."""
    engine, log = config.build.place, config.work / "pull.log"
    with context.terminal.activity(f"pulling {base}"):
        code = run_logged([engine, "pull", *chosen(platform), base], log, verbose=context.verbose)
    if code != 0:
        raise ConfigError(
            f"{engine} does not have the build image {base} and could not pull it:",
            "Correct build.image, or see why the engine cannot reach the registry.",
            last_lines(log),
        )
    return inspect(engine, base).partition(" ")[0]


def chosen(platform: str | None) -> list[str]:
    """The words that choose a platform."""
    return ["--platform", platform] if platform else []


def make(config: ImageConfig, base: str, name: str, platform: str | None) -> None:
    engine, log = config.build.place, config.work / "builder.log"
    folder = config.work / "builder"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(DOCKERFILE, folder / "Dockerfile")
    proxies = [word for name in PROXY_VARIABLES if name in os.environ for word in ("--build-arg", name)]
    arguments = [*chosen(platform), "--build-arg", f"BASE={base}", *proxies, "--tag", name, str(folder)]
    if run_logged([engine, "build", *arguments], log, verbose=False) != 0:
        check_emulated(engine, platform, log)
        raise MissingToolError(
            f"Cannot make a build image from {base}; the output of {engine} is in {shown(config, log)} and ends with:",
            "Set build.image to an image that has Python 3 with venv, binutils and git, or Debian's apt-get to install "
            "them.",
            last_lines(log),
        )


def check_emulated(engine: str, platform: str | None, log: Path) -> None:
    """Raises MissingToolError if what failed, as a log tells, is that programs of the platform cannot be executed."""
    if platform and CANNOT_EXECUTE in log.read_text(encoding="utf-8", errors="replace").lower():
        raise MissingToolError(
            f"{engine} cannot run programs for {platform} here.",
            "Install an emulator where it runs, for example with apt-get install qemu-user-static (Docker Desktop has "
            f"one), or build on a {platform} machine and join the archives with --archive.",
        )
