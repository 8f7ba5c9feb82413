"""Finds the system packages that files of this machine belong to, with one call of dpkg or RPM for all files.

Licence and copyright come from a Debian package's copyright file, or from RPM's database and licence files;
the supplier is the maintainer of a Debian package, the vendor of an RPM package.
Imports only the standard library, since the image step also uses it for files of the system.
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

# Folders that are links into /usr on current systems, though packages may still list files by the old paths.
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
        paths: Absolute paths of the original files, not of copies.

    Returns:
        A component of type "deb" or "rpm" for each path; these are types of package URLs
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
    """The paths under which packages may list a file: its own and its link target's, each with and without /usr."""
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
    """Names of packages by path, from the output of `dpkg-query --search`: "NAME[:ARCH][, …]: PATH"."""
    found = {}
    for line in printed.splitlines():
        names, separator, path = line.partition(": /")
        if separator and not names.startswith("diversion by "):
            found[f"/{path}"] = names.split(", ")[0]
    return found


def read_debs(printed: str) -> dict[str, Component]:
    """Packages by each name that dpkg uses for them, from lines of `DEB_FORMAT`."""
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
        # For packages of this machine's architecture, dpkg may leave it out.
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
    """Packages by name and architecture, from lines of `RPM_FORMAT`; other lines report files of no package."""
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
    """A package as a component. Advisories name source packages, so scanners read the qualifier "upstream"."""
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
    """A Linux distribution, such as "debian" and "12"; empty strings if unknown."""

    id: str
    version: str


def operating_system() -> System:
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        release = {}
    return System(release.get("ID", ""), release.get("VERSION_ID", ""))


def run(*command: str) -> str:
    """The output of a command; its exit code is ignored, as it may fail for only some of the arguments."""
    environment = {**os.environ, "LC_ALL": "C"}
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False).stdout
