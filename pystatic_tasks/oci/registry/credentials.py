"""Finds the credentials for a registry that `docker login` and `podman login` have stored.

https://docs.docker.com/reference/cli/docker/login/#credential-stores
https://github.com/containers/image/blob/main/docs/containers-auth.json.5.md
"""

from __future__ import annotations

import base64
import json
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pystatic_tasks.errors import PushError
from pystatic_tasks.oci.references import DOCKER_HUB
from pystatic_tasks.oci.registry.credential_helper import ask_helper
from pystatic_tasks.system.texts import printable

# Docker's key for its own registry is a whole URL.
DOCKER_HUB_SERVER = "https://index.docker.io/v1/"
DOCKER_HUB_NAMES = (DOCKER_HUB, "index.docker.io", "registry-1.docker.io")
TOKEN_USER = "<token>"  # The user name that a helper returns with an identity token.
PODMAN_FILE = "containers/auth.json"
PODMAN_RUNTIME = Path("/run/containers")


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """Credentials for a registry.

    Attributes:
        username: The account.
        secret: Its password, or an identity token.
        is_token: Whether the secret is an identity token, to be exchanged by OAuth 2.
        source: Where it was found, for messages.
        is_from_helper: Whether a credential helper returned it; the secret may then differ each time.
    """

    username: str = field(repr=False)
    secret: str = field(repr=False)
    is_token: bool = False
    source: str
    is_from_helper: bool = False

    def is_account_of(self, other: Credentials) -> bool:
        """Whether both belong to the same account, as far as can be told."""
        own, others = (replace(each, secret="") if each.is_from_helper else each for each in (self, other))
        return own == others


def find_credentials(registry: str, repository: str, environment: Mapping[str, str]) -> Credentials | None:
    """The user's credentials for a registry, from Docker's configuration or else from Podman's.

    Args:
        registry: Host, and port if it has one.
        repository: Such as "team/shop"; Podman may have credentials for a part of a registry.
        environment: Variables that name the folders of the files.

    Raises:
        PushError: a file cannot be read, or a credential helper fails.
    """
    dockers, podmans = docker_files(environment), podman_files(environment)
    for path in (*dockers, *podmans):
        found = look_up(path, registry, repository, environment)
        if found:
            return found
    return next((found for path in dockers if (found := look_up_host(path, registry))), None)


def docker_files(environment: Mapping[str, str]) -> list[Path]:
    """Docker's configuration file, if it exists."""
    home = environment.get("HOME") or home_folder()
    return existing([(environment.get("DOCKER_CONFIG") or (home and f"{home}/.docker"), "config.json")])


def podman_files(environment: Mapping[str, str]) -> list[Path]:
    """Podman's files that exist, in order of precedence."""
    home = environment.get("HOME") or home_folder()
    return existing(
        [
            (environment.get("REGISTRY_AUTH_FILE"), ""),
            podman_runtime(environment),
            (environment.get("XDG_CONFIG_HOME") or (home and f"{home}/.config"), PODMAN_FILE),
        ]
    )


def podman_runtime(environment: Mapping[str, str]) -> tuple[str | None, str]:
    """Folder and name of the file that `podman login` writes; without a session, as in sudo or cron, it differs."""
    session = environment.get("XDG_RUNTIME_DIR")
    if session or not hasattr(os, "getuid"):
        return session, PODMAN_FILE
    folder = PODMAN_RUNTIME / str(os.getuid())
    # If root uses Podman, only root may enter the folder.
    return str(folder) if os.access(folder, os.X_OK) else None, "auth.json"


def existing(places: Iterable[tuple[str | None, str]]) -> list[Path]:
    """The existing ones of some files, given by folder, if known, and name."""
    paths = [Path(place, name) for place, name in places if place]
    return [path for path in paths if may_be_file(path)]


def home_folder() -> str:
    """The user's home folder; "" if the system does not know the user, as in some containers."""
    try:
        return str(Path.home())
    except RuntimeError:
        return ""


def may_be_file(path: Path) -> bool:
    """Whether it is a file, or cannot be examined; reading it then reports the error."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True


def look_up(path: Path, registry: str, repository: str, environment: Mapping[str, str]) -> Credentials | None:
    content = read(path)
    helpers = table(content, "credHelpers")
    names = names_of(registry)
    keys = (DOCKER_HUB_SERVER, *names) if registry in DOCKER_HUB_NAMES else names
    helper = next((helpers[key] for key in keys if key in helpers), content.get("credsStore"))
    if helper:
        server = DOCKER_HUB_SERVER if registry in DOCKER_HUB_NAMES else registry
        found = from_helper(f"docker-credential-{helper}", server, environment)
        if found:
            return found
    entries = by_place(table(content, "auths"))
    for place in places(names, repository):
        if entries.get(place):
            found = decode(path, registry, entries[place])
            if found:
                return found
    return None


def look_up_host(path: Path, registry: str) -> Credentials | None:
    """The credentials that Docker uses if no key matches the registry: those of a key that begins with its host."""
    for key, entry in table(read(path), "auths").items():
        if entry and key.partition("/")[0] in names_of(registry):
            found = decode(path, registry, entry)
            if found:
                return found
    return None


def names_of(registry: str) -> tuple[str, ...]:
    return DOCKER_HUB_NAMES if registry in DOCKER_HUB_NAMES else (registry,)


def read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        why, remedy = error.strerror, "Make the file readable, or correct the variable that names it."
    except (ValueError, RecursionError):
        why, remedy = "it is not valid JSON", "Correct the file."
    else:
        return content if isinstance(content, dict) else {}
    raise PushError(f"Cannot read the credentials in {path}: {why}.", remedy)


def table(content: Mapping[str, Any], key: str) -> dict[str, Any]:
    found = content.get(key)
    return found if isinstance(found, dict) else {}


def places(names: tuple[str, ...], repository: str) -> Iterator[str]:
    """Keys of `auths` that apply to a repository, the most specific first."""
    parts = repository.split("/")
    for count in range(len(parts), -1, -1):
        for name in names:
            yield "/".join([name, *parts[:count]])


def by_place(entries: Mapping[str, Any]) -> dict[str, Any]:
    """Entries of `auths` by registry or part of one; keys that are whole URLs, from older Dockers, come last."""
    older = {key: key.partition("://")[2].partition("/")[0] for key in entries if "://" in key}
    found = {key.removesuffix("/"): entry for key, entry in entries.items() if key not in older}
    for key, host in older.items():
        found.setdefault(host, entries[key])
    return found


def decode(path: Path, registry: str, entry: Mapping[str, Any]) -> Credentials | None:
    """The credentials in one entry of `auths`; None if only a helper has them."""
    try:
        texts = {key: entry.get(key) or "" for key in ("auth", "identitytoken", "username", "password")}
        "".join(texts.values()).encode()
        user, _, word = base64.b64decode(texts["auth"], validate=True).decode().partition(":")
    except (ValueError, TypeError, AttributeError):
        raise PushError(f"The entry for {registry} in {path} is not valid.", login(registry)) from None
    if texts["identitytoken"]:
        return Credentials(username=user, secret=texts["identitytoken"], is_token=True, source=str(path))
    username, secret = texts["username"] or user, texts["password"] or word.rstrip("\0")
    return Credentials(username=username, secret=secret, source=str(path)) if username else None


def from_helper(program: str, server: str, environment: Mapping[str, str]) -> Credentials | None:
    """The credentials for a server from a helper; raises PushError if it does not exist, or fails."""
    found = ask_helper(program, server, environment)
    if found is None:
        return None
    username, secret = found
    is_token = username == TOKEN_USER
    return Credentials(
        username=username, secret=secret, is_token=is_token, source=printable(program), is_from_helper=True
    )


def login(registry: str) -> str:
    """What to do about wrong or missing credentials."""
    return f"Log in: docker login{'' if registry in DOCKER_HUB_NAMES else f' {registry}'}."
