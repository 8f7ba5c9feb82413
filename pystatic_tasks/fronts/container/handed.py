"""What a container gets from the caller's machine for one run: pip and uv settings, credentials, variables.

None of it gets into an image or into the volume that keeps the container's results: files are mounted,
and variables are written into one of these files.
"""

from __future__ import annotations

import configparser
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from pystatic_tasks.config.model import ImageConfig
from pystatic_tasks.config.variables import OF_CALLER
from pystatic_tasks.errors import ConfigError
from pystatic_tasks.fronts.container import places
from pystatic_tasks.fronts.container.builder import PROXY_VARIABLES
from pystatic_tasks.steps.freeze.install.installers import pip_files
from pystatic_tasks.system.machine import is_linux

PREFIXES = ("PIP_", "UV_", "PYSTATIC_TASKS_")
NAMES = (
    *(*PROXY_VARIABLES, "all_proxy", "ALL_PROXY", "SOURCE_DATE_EPOCH"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO"),
)
# They are about the caller's machine and its environments.
LEFT_OUT = re.compile(
    "(PIP|UV)_.*_DIR|PIP_(CONFIG_FILE|LOG|PYTHON|REQUIRE_VIRTUALENV|TARGET|PREFIX|ROOT|USER|SRC|CACHE_DIR)"
    "|UV_(CONFIG_FILE|PYTHON.*|PROJECT.*|WORKING_DIRECTORY|CACHE_DIR|ENV_FILE)|PYSTATIC_TASKS_(EXIT_CODE|BUILD_PLACE)"
)
# Caches would store an index's answers together with the credentials of the request.
OWN_VARIABLES = {"PIP_NO_CACHE_DIR": "1", "UV_NO_CACHE": "1", "GIT_OPTIONAL_LOCKS": "0"}


@dataclass(frozen=True, kw_only=True)
class Handed:
    """What a container gets from the caller's machine.

    Attributes:
        files: The files and folders to mount: each path on this machine with its path in the container.
        variables: Environment variables.
    """

    files: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)

    def place(self, path: Path) -> str:
        """Mount a file or a folder, and return its path in the container."""
        return self.files.setdefault(str(path), f"{places.HANDED}-files/{len(self.files)}/{path.name}")

    def localized(self, text: str) -> str:
        """A setting whose paths of this machine are mounted and replaced by those in the container."""
        return re.sub(r"\S+", lambda word: self.localized_word(word[0]), text)

    def localized_word(self, word: str) -> str:
        if word.startswith("file://"):
            path = Path(unquote(urlsplit(word).path))
            return f"file://{self.index(path)}" if path.exists() else word
        path = Path(word).expanduser() if word.startswith("~/") else Path(word)
        return self.place(path) if path.is_absolute() and path.exists() else word

    def index(self, path: Path) -> str:
        """Mount a folder that pip uses as an index; one called "simple" refers to files beside it."""
        return f"{self.place(path.parent)}/{path.name}" if path.name == "simple" else self.place(path)


def hand_in(config: ImageConfig, environment: Mapping[str, str], folder: Path, home: Path) -> Handed:
    """Gather what the container gets.

    Args:
        config: The image to build.
        environment: The caller's environment variables.
        folder: A folder that is mounted, for files that are written for this run.
        home: The caller's home folder.

    Raises:
        ConfigError: a file with pip settings cannot be read.
    """
    handed = Handed()
    for name in variables(config, environment):
        value = environment[name]
        handed.variables[name] = handed.localized(value) if is_path_like(name) else value
    settings = read_settings(list(pip_files(environment, home)))
    if settings.sections():
        for section in settings.sections():
            for name, value in settings.items(section):
                settings.set(section, name, handed.localized(value))
        with (folder / "pip.conf").open("w", encoding="utf-8") as file:
            settings.write(file)
        handed.variables["PIP_CONFIG_FILE"] = f"{places.HANDED}/pip.conf"
    for name, path in (("UV_CONFIG_FILE", uv_file(environment, home)), ("NETRC", netrc(environment, home))):
        if path.is_file():
            handed.variables[name] = handed.place(path)
    hand_in_agent(handed, environment, home)
    handed.variables.update(OWN_VARIABLES)
    return handed


def variables(config: ImageConfig, environment: Mapping[str, str]) -> Iterator[str]:
    """The names of the caller's variables that the build may use."""
    texts = (*config.smoke.env.values(), *config.observe.env.values())
    asked = {match[1] for match in map(OF_CALLER.fullmatch, texts) if match}
    for name in environment:
        if name in asked or ((name.startswith(PREFIXES) or name in NAMES) and not LEFT_OUT.fullmatch(name)):
            yield name


def is_path_like(name: str) -> bool:
    """Whether a variable may contain paths of this machine."""
    return name.startswith(("PIP_", "UV_")) or name in NAMES


def read_settings(files: list[Path]) -> configparser.RawConfigParser:
    settings = configparser.RawConfigParser()
    for path in files:
        try:
            settings.read(path, encoding="utf-8")
        except (configparser.Error, UnicodeDecodeError):
            raise ConfigError(f"Cannot read the pip settings in {path}.", "Correct the file.") from None
    return settings


def uv_file(environment: Mapping[str, str], home: Path) -> Path:
    own = environment.get("UV_CONFIG_FILE")
    folder = environment.get("XDG_CONFIG_HOME") or environment.get("APPDATA") or home / ".config"
    return Path(own) if own else Path(folder, "uv", "uv.toml")


def netrc(environment: Mapping[str, str], home: Path) -> Path:
    own = environment.get("NETRC")
    found = (path for path in (home / ".netrc", home / "_netrc") if path.is_file())
    return Path(own) if own else next(found, home / ".netrc")


def hand_in_agent(handed: Handed, environment: Mapping[str, str], home: Path) -> None:
    """Pass on the caller's SSH agent and known hosts."""
    agent = environment.get("SSH_AUTH_SOCK", "")
    # On other systems, containers run in a virtual machine, which cannot use the caller's sockets.
    if not is_linux() or not Path(agent).is_socket():
        return
    handed.files[agent] = places.SSH_AGENT
    handed.variables["SSH_AUTH_SOCK"] = places.SSH_AGENT
    known = home / ".ssh" / "known_hosts"
    if known.is_file():
        handed.files[str(known)] = places.KNOWN_HOSTS
