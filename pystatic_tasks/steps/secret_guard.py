"""What of the project's data must not get into an image by accident: secrets, what git ignores, what lies elsewhere.

Only the project's own files are looked at, and of them only those that nobody has listed by hand:
package data, and what lies in folders that the configuration names.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from pystatic_tasks.config.model import ImageConfig
from pystatic_tasks.errors import ConfigError
from pystatic_tasks.system.git import run_git

VARIABLES, GITS_OWN = "a file of variables", "a file of git itself"
PRIVATE_KEY, CREDENTIALS = "a private key", "a file of credentials"
PASSWORD_IN_URL = "a URL with a password"
IGNORED = "git ignores it"
# By the file's name or by the end of its path.
NAMES = {
    VARIABLES: (".env", ".env.*", ".envrc"),
    PRIVATE_KEY: ("id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", "*.key", "*.p12", "*.pfx", "*.jks", "*.ppk"),
    CREDENTIALS: (
        *(".netrc", "_netrc", ".pypirc", ".npmrc", ".htpasswd", ".pgpass", ".my.cnf", ".git-credentials", ".dockercfg"),
        *("credentials.json", "client_secret*.json", "*.kdbx", "*.keystore"),
        *("*/.docker/config.json", "*/.aws/credentials", "*/.kube/config", "*/.ssh/*"),
    ),
}
# What is published so that people write their own by it.
EXAMPLES = (".env.example", ".env.sample", ".env.template", ".env.dist")
KEY_BYTES = re.compile(
    rb"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----(?:\s|\\[nr])+(?:[A-Za-z0-9+/=]{16}|[A-Za-z-]+: )"
    rb"|PuTTY-User-Key-File-\d"
)
# Files that are often published, but not with a password in a URL.
WITH_URLS = ("pip.conf", "pip.ini", "uv.toml", ".gitmodules")
URL_BYTES = rb"(?:https?://[^/\s@$]+@|://[^/\s:@]*:[^/\s@$]+@)"
PASSWORD_BYTES = re.compile(URL_BYTES)
# Its headers only: below them stands the project's readme.
METADATA_BYTES = re.compile(rb"^(?:Requires-Dist|Project-URL|Home-page|Download-URL): .*" + URL_BYTES, re.MULTILINE)
# No key and no file of settings is larger.
READ_BYTES = 256 * 1024


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A file that would go in.

    Attributes:
        source: The file.
        place: Where it would lie in the program or in the image.
        entry: How it would be listed by hand.
        origin: The file of the project that it was copied from, or itself; None if that is not known.
        folder: The folder that was named, if it goes in as a part of one.
    """

    source: Path
    place: str
    entry: str
    origin: Path | None
    folder: Path | None = None


def refuse(config: ImageConfig, candidates: Iterable[Candidate], key: str) -> None:
    """Refuse what must not go in.

    Args:
        config: What is built.
        candidates: The project's files that nobody has listed by hand.
        key: The configuration key by which a file is listed.

    Raises:
        ConfigError: with all that is refused, and the entries that would let it in.
    """
    found = sorted(refused_among(config, candidates), key=lambda pair: pair[0].place)
    if found:
        count = "1 file" if len(found) == 1 else f"{len(found)} files"
        entries = ", ".join(candidate.entry for candidate, _ in found)
        raise ConfigError(
            f"{count} of the project would go into {config.name} unasked:",
            f"Leave out what shall not go in, and list by hand what shall, in tool.pystatic-tasks.{key}: {entries}.",
            [f"{shown_path(config, candidate)}: {reason}" for candidate, reason in found],
        )


def refused_among(config: ImageConfig, candidates: Iterable[Candidate]) -> Iterator[tuple[Candidate, str]]:
    """Those that are refused, each with the reason."""
    ignored: dict[Path, frozenset[Path]] = {}
    for candidate in candidates:
        reason = reason_of_name(candidate.place) or reason_of_content(candidate.source)
        if not reason and candidate.origin:
            base = base_of(config, candidate)
            if base not in ignored:
                ignored[base] = ignored_below(base)
            reason = reason_of_place(config, candidate) or reason_of_git(candidate, ignored[base])
        if reason:
            yield candidate, reason


def shown_path(config: ImageConfig, candidate: Candidate) -> str:
    """The file as the user finds it: from the project's folder, or else where it lies in the program."""
    return os.path.relpath(candidate.origin, config.root) if candidate.origin else candidate.place


def reason_of_name(place: str) -> str:
    path = f"/{place.lstrip('/')}"
    name = path.rpartition("/")[2]
    if {".git", ".hg", ".svn"} & set(path.split("/")):
        return GITS_OWN
    if name in EXAMPLES:
        return ""
    for reason, patterns in NAMES.items():
        if any(fnmatchcase(path if "/" in pattern else name, pattern) for pattern in patterns):
            return reason
    return ""


def reason_of_content(source: Path) -> str:
    if source.stat().st_size > READ_BYTES:
        return ""
    content = source.read_bytes()
    if KEY_BYTES.search(content):
        return PRIVATE_KEY
    urls = METADATA_BYTES if source.name == "METADATA" else PASSWORD_BYTES if source.name in WITH_URLS else None
    return PASSWORD_IN_URL if urls and urls.search(content) else ""


def base_of(config: ImageConfig, candidate: Candidate) -> Path:
    """The folder whose git is asked."""
    assert candidate.origin
    if candidate.origin.is_relative_to(config.root):
        return config.root
    if candidate.origin.is_relative_to(config.project):
        return config.project
    return candidate.folder or candidate.origin.parent


def reason_of_place(config: ImageConfig, candidate: Candidate) -> str:
    """Refuses links that lead out of the project and of the folder that was named."""
    assert candidate.origin
    real = candidate.origin.resolve()
    around = (
        base_of(config, candidate),
        config.root,
        config.project,
        *([candidate.folder] if candidate.folder else []),
    )
    inside = any(real.is_relative_to(folder.resolve()) for folder in around)
    return "" if inside else f"a link to {real}"


def reason_of_git(candidate: Candidate, ignored: frozenset[Path]) -> str:
    """Refuses what git ignores, unless the folder that was named is ignored itself."""
    assert candidate.origin
    by_hand = candidate.folder and is_ignored(candidate.folder, ignored)
    return IGNORED if not by_hand and is_ignored(candidate.origin, ignored) else ""


def is_ignored(path: Path, ignored: frozenset[Path]) -> bool:
    return not ignored.isdisjoint([path, *path.parents])


def ignored_below(folder: Path) -> frozenset[Path]:
    """The files and folders below a folder that git ignores; none if git ignores the folder itself, or is not there."""
    listed = run_git(folder, "ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory")
    names = (listed or "").split("\0")
    return frozenset() if "./" in names else frozenset(folder / name for name in names if name)
