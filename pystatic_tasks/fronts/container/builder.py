"""The build image in which programs are frozen: made once, with a name derived from what it is made from."""

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
# The engines pass these on to a build without storing them in the image.
PROXIES = ("http_proxy", "https_proxy", "ftp_proxy", "no_proxy")
PROXY_VARIABLES = (*PROXIES, *map(str.upper, PROXIES))
# Linux's message for a program of another architecture.
CANNOT_EXECUTE = "exec format error"


def base_image(config: ImageConfig) -> str:
    """The configured image, or Docker's official image of the wanted Python.

    Raises:
        ConfigError: `python` is a Python of this machine, and no image is configured.
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
    """The name of the build image, which is made if it does not exist.

    Raises:
        ConfigError: the base image does not exist.
        MissingToolError: what the base image lacks could not be installed.
    """
    engine, base = config.build.place, base_image(config)
    identity = find_base(engine, base, platform) or pull(config, context, base, platform)
    # Some engines use one ID for an image of several platforms.
    made_of = [DOCKERFILE.read_text(encoding="utf-8"), identity, *chosen(platform)]
    name = f"pystatic-builder:{fingerprint(made_of)[:16]}"
    if not inspect(engine, name):
        with context.terminal.activity(f"making a build image from {base}"):
            make(config, base, name, platform)
        context.say(f"{name}: build image made from {base}, kept in {engine}")
    return name


def find_base(engine: str, base: str, platform: str | None) -> str:
    """The engine's ID of the base image; "" if it does not have it for that platform."""
    identity, _, there = inspect(engine, base).partition(" ")
    # Without the processor's variant, which not every image records.
    wanted = "/".join(platform.split("/")[:2]) if platform else there
    return identity if wanted == there else ""


def inspect(engine: str, image: str) -> str:
    """ID and platform of an image; "" if the engine does not have it."""
    template = "{{.Id}} {{.Os}}/{{.Architecture}}"
    return call(engine, "image", "inspect", "--format", template, image, check=False).stdout.strip()


def pull(config: ImageConfig, context: StepContext, base: str, platform: str | None) -> str:
    """Pull the base image, and return the engine's ID of it."""
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
    """The options that choose a platform."""
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
    """Raises MissingToolError if the log shows that programs for the platform cannot be executed here."""
    if platform and CANNOT_EXECUTE in log.read_text(encoding="utf-8", errors="replace").lower():
        raise MissingToolError(
            f"{engine} cannot run programs for {platform} here.",
            "Install an emulator where it runs, for example with apt-get install qemu-user-static (Docker Desktop has "
            f"one), or build on a {platform} machine and join the archives with --archive.",
        )
