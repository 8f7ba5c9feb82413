"""Which package of the system a file of this machine belongs to: dpkg's or RPM's, asked once for all files.

Licences and authors of a Debian package are in its copyright file, its supplier is its maintainer;
of an RPM package they are in its licence files, and its supplier is its vendor.
Imports nothing beside the standard library, since it also answers for what the image step takes from the system.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from ..protocol import Component
from .debian_copyright import terms_of
from .notices import notices_in, printable

# Folders that are links into /usr on a machine of today, while packages may still name them as they were.
MERGED = {"bin", "sbin", "lib", "lib32", "lib64", "libx32"}
DEB_FORMAT = (
    "${binary:Package}\t${Package}\t${Version}\t${Architecture}\t${source:Package}\t${source:Version}\t${Maintainer}\n"
)
RPM_FORMAT = "%{NAME}\t%|EPOCH?{%{EPOCH}}|\t%{VERSION}-%{RELEASE}\t%{ARCH}\t%{SOURCERPM}\t%{LICENSE}\t%{VENDOR}\n"
RPM_LICENSES = Path("/usr/share/licenses")
NONE_IN_RPM = "(none)"
RPM_FILES = "[%{=NAME}\t%{=ARCH}\t%{FILENAMES}\n]"


def packages_of(paths: Iterable[str]) -> dict[str, Component]:
    """The packages that files belong to; files of no package are left out.

    Args:
        paths: Absolute paths, before anything was copied.

    Returns:
        By path a component of the type "deb" or "rpm", as package URLs have it
        (https://github.com/package-url/purl-spec).
    """
    wanted = {path: list(dict.fromkeys(spellings(path))) for path in paths}
    found: dict[str, Component] = {}
    for tool, ask in MANAGERS.items():
        rest = [each for path, ways in wanted.items() if path not in found for each in ways]
        if rest and shutil.which(tool):
            known = ask(rest)
            owners = (
                (path, next((known[each] for each in ways if each in known), None)) for path, ways in wanted.items()
            )
            found.update({path: owner for path, owner in owners if owner and path not in found})
    return found


def spellings(path: str) -> Iterator[str]:
    """The ways in which packages may name a file: as it is, as what it points to, within /usr and without."""
    for each in (path, os.path.realpath(path)):
        yield each
        parts = each.split("/")
        if parts[1] in MERGED:
            yield f"/usr{each}"
        elif parts[1] == "usr" and len(parts) > 2 and parts[2] in MERGED:
            yield each.removeprefix("/usr")


def ask_dpkg(paths: Sequence[str]) -> dict[str, Component]:
    owners = read_search(run("dpkg-query", "--search", "--", *paths))
    if not owners:
        return {}
    known = read_debs(run("dpkg-query", "--show", f"--showformat={DEB_FORMAT}", "--", *sorted(set(owners.values()))))
    return {path: known[name] for path, name in owners.items() if name in known}


def read_search(printed: str) -> dict[str, str]:
    """Names of packages by path, as `dpkg-query --search` prints them: "NAME[:ARCH][, …]: PATH"."""
    found = {}
    for line in printed.splitlines():
        names, separator, path = line.partition(": /")
        if separator and not names.startswith("diversion by "):
            found[f"/{path}"] = names.split(", ")[0]
    return found


def read_debs(printed: str) -> dict[str, Component]:
    """Packages by each of the names that dpkg has for them, from lines of `DEB_FORMAT`."""
    found = {}
    for line in printed.splitlines():
        shown, name, version, architecture, source, source_version, maintainer = line.split("\t")
        upstream = source if source_version == version else f"{source}@{source_version}"
        terms = terms_of(name)
        package = replace(
            system_package("deb", name, version, architecture, source=upstream),
            licenses=terms.licenses,
            supplier=printable(maintainer),
            originator=terms.contact,
            copyright=terms.copyright,
        )
        # Those of this machine's architecture are printed with it or without.
        found.update(dict.fromkeys((shown, f"{name}:{architecture}"), package))
        found.setdefault(name, package)
    return found


def ask_rpm(paths: Sequence[str]) -> dict[str, Component]:
    known = read_rpms(run("rpm", "--query", "--file", f"--queryformat={RPM_FORMAT}", "--", *paths))
    if not known:
        return {}
    names = [f"{name}.{architecture}" for name, architecture in known]
    files = (line.split("\t") for line in run("rpm", "--query", f"--queryformat={RPM_FILES}", *names).splitlines())
    asked = set(paths)
    return {each[2]: known[each[0], each[1]] for each in files if len(each) == 3 and each[2] in asked}


def read_rpms(printed: str) -> dict[tuple[str, str], Component]:
    """Packages by name and architecture, from lines of `RPM_FORMAT`; others say that nobody owns a file."""
    found = {}
    for line in printed.splitlines():
        fields = line.split("\t")
        if len(fields) == 7:
            name, epoch, version, architecture, source, licence, vendor = fields
            found[name, architecture] = replace(
                system_package("rpm", name, version, architecture, source=source, epoch=epoch),
                licenses=(licence,),
                supplier="" if vendor == NONE_IN_RPM else printable(vendor),
                copyright="\n".join(notices_in(sorted(RPM_LICENSES.glob(f"{name}/**/*")))),
            )
    return found


MANAGERS: Mapping[str, Callable[[Sequence[str]], dict[str, Component]]] = {"dpkg-query": ask_dpkg, "rpm": ask_rpm}


def system_package(kind: str, name: str, version: str, architecture: str, *, source: str, epoch: str = "") -> Component:
    """A package as a component. Advisories are written for sources, so scanners read the qualifier "upstream"."""
    system = operating_system()
    qualifiers = {
        "arch": architecture,
        "distro": "-".join(filter(None, system)),
        "epoch": epoch,
        "upstream": source if source != name else "",
    }
    return Component(
        kind="system",
        type=kind,
        namespace=system.id,
        name=name,
        version=version,
        qualifiers={key: value for key, value in qualifiers.items() if value},
    )


class System(NamedTuple):
    """A distribution of Linux, such as "debian" and "12"; empty where it does not say."""

    id: str
    version: str


def operating_system() -> System:
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        release = {}
    return System(release.get("ID", ""), release.get("VERSION_ID", ""))


def run(*command: str) -> str:
    """What a command printed; it may have failed for some of what it was asked for."""
    environment = {**os.environ, "LC_ALL": "C"}
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False).stdout
