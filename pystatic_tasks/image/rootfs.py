"""Which files stand in the image, with which modes and owners."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pystatic_tasks.config.model import Image
from pystatic_tasks.errors import ConfigError, ImageError
from pystatic_tasks.pipeline import walk

CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
# Where distributions keep the bundle: Debian, Fedora, openSUSE, Alpine (the list of Go's crypto/x509).
CERTIFICATE_SOURCES = (
    Path(CERTIFICATES),
    Path("/etc/pki/tls/certs/ca-bundle.crt"),
    Path("/etc/ssl/ca-bundle.pem"),
    Path("/etc/ssl/cert.pem"),
)
TIMEZONES = Path("/usr/share/zoneinfo")
OTHER_TIMEZONES = ("posix", "right", "posixrules", "localtime")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A folder or a file of the image, owned by root.

    Attributes:
        path: Absolute path in the image.
        mode: Permission bits.
        content: The bytes of a file, or the file to read them from; None makes a folder.
    """

    path: str
    mode: int
    content: bytes | Path | None = None

    @property
    def size_bytes(self) -> int:
        if isinstance(self.content, Path):
            return self.content.stat().st_size
        return len(self.content or b"")


def root_entries(image: Image, executable: Path) -> list[Entry]:
    """All entries of the image, parents first, sorted by path.

    Raises:
        ConfigError: a file that the configuration names is not there, or stands in another's place.
        ImageError: the system has no certificates or time zones to copy.
    """
    entries = [
        Entry(path="/tmp", mode=0o1777),
        Entry(path="/etc/passwd", mode=0o644, content=passwd(image.image.user)),
        Entry(path="/etc/group", mode=0o644, content=group(image.image.user)),
        Entry(path=f"/{image.name}", mode=0o755, content=executable),
    ]
    if image.image.certificates:
        entries.append(Entry(path=CERTIFICATES, mode=0o644, content=certificates()))
    if image.image.timezones:
        entries.extend(timezones())
    entries.extend(own_files(image))
    return with_parents(entries)


def passwd(user: str) -> bytes:
    uid, _, gid = user.partition(":")
    return f"root:x:0:0:root:/:/sbin/nologin\nnonroot:x:{uid}:{gid}:nonroot:/:/sbin/nologin\n".encode()


def group(user: str) -> bytes:
    return f"root:x:0:\nnonroot:x:{user.partition(':')[2]}:\n".encode()


def certificates() -> Path:
    found = next((path for path in CERTIFICATE_SOURCES if path.is_file()), None)
    if found is None:
        raise ImageError(
            "tool.pystatic-tasks.image.certificates is set, and this machine has no bundle of authorities.",
            "Install it: apt-get install ca-certificates.",
        )
    return found


def timezones() -> Iterator[Entry]:
    if not TIMEZONES.is_dir():
        raise ImageError(
            f"tool.pystatic-tasks.image.timezones is set, and this machine has no {TIMEZONES}.",
            "Install it: apt-get install tzdata.",
        )
    for path in sorted(TIMEZONES.rglob("*")):
        if path.relative_to(TIMEZONES).parts[0] not in OTHER_TIMEZONES and path.is_file():
            yield Entry(path=str(path), mode=0o644, content=path)


def own_files(image: Image) -> Iterator[Entry]:
    for target, source in image.image.files.items():
        path = image.root / source
        if not path.exists():
            raise ConfigError(
                f'tool.pystatic-tasks.image.files names "{source}", and it is not in {image.root}.', "Correct the path."
            )
        for member in [path, *(walk(path) if path.is_dir() else ())]:
            inside = target if member == path else f"{target}/{member.relative_to(path)}"
            if member.is_dir():
                yield Entry(path=inside, mode=0o755)
            elif member.is_file():
                mode = 0o755 if member.stat().st_mode & 0o100 else 0o644
                yield Entry(path=inside, mode=mode, content=member)
            else:
                raise ConfigError(
                    f'tool.pystatic-tasks.image.files names "{os.path.relpath(member, image.root)}", '
                    "which is neither a file nor a folder.",
                    "Correct the path.",
                )


def with_parents(entries: Iterable[Entry]) -> list[Entry]:
    """The entries with the folders they stand in, sorted by path."""
    result: dict[str, Entry] = {}
    for entry in entries:
        if entry.path in result:
            raise ConfigError(
                f"Two files of the image are called {entry.path}.",
                "Correct tool.pystatic-tasks.image.files, or the image's name.",
            )
        result[entry.path] = entry
    for path in list(result):
        for parent in map(str, Path(path).parents):
            if parent != "/" and result.setdefault(parent, Entry(path=parent, mode=0o755)).content is not None:
                raise ConfigError(
                    f"{path} of the image stands in {parent}, which is a file.",
                    "Correct tool.pystatic-tasks.image.files, or the image's name.",
                )
    return [result[path] for path in sorted(result)]
