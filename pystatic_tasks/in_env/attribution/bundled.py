"""Reads the bills of materials in wheels, which declare what is built into a distribution (PEP 770).

https://peps.python.org/pep-0770/: files in `.dist-info/sboms`, in any format. This module reads CycloneDX
(https://cyclonedx.org/docs/1.6/json/) and SPDX 2 (https://spdx.github.io/spdx-spec/v2.3/) in JSON. Their content is not
trusted: invalid values are left out, and a document that cannot be read is reported as unread.
"""

from __future__ import annotations

import importlib.metadata
import json
import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from packaging.utils import canonicalize_name

from ..protocol import Component
from .credits import contact
from .notices import printable

FOLDER = "sboms"
LARGEST_BYTES = 10_000_000
LONGEST_TEXT = 500
LONGEST_COPYRIGHT = 5_000
TYPE = re.compile(r"[a-z][a-z0-9.-]*")
SHA256 = re.compile(r"[0-9a-f]{64}")
KEY = re.compile(r"[a-z][a-z0-9._-]*")
AGENT = re.compile(r"(?:Person|Organization): (?P<name>[^(]*)(?:\((?P<address>[^)]*)\))?")
AFTER_NAME = re.compile(r"[^A-Za-z0-9._-]")
NOTHING_SAID = ("", "NOASSERTION", "NONE")
# Words, and plain addresses with at most a commit: no user, no query, and no path on the machine that built the wheel.
PUBLIC = re.compile(
    r"(?!file:)\w[\w .,:+~-]*(?:/[\w.+~-]+)*|(?:git\+)?https://[\w.-]+(?::\d+)?(?:/[\w.+~-]+)*/?(?:@[0-9a-f]{7,64})?",
    re.IGNORECASE,
)
# Types of package URL whose namespace is the vendor.
VENDORS = ("apk", "deb", "rpm")
# The scope of build tools.
NOT_INSIDE = "excluded"


@dataclass(frozen=True, kw_only=True)
class Name:
    """The parts of a package URL (https://github.com/package-url/purl-spec)."""

    type: str = "generic"
    namespace: str = ""
    name: str
    version: str = ""
    qualifiers: Mapping[str, str] = field(default_factory=dict)


def bundled(distribution: importlib.metadata.Distribution) -> tuple[list[Component], tuple[str, ...]]:
    """What is built into a distribution.

    Returns:
        What its documents list, without itself and its requirements, which are installed separately;
        and the paths in `.dist-info` of the documents that cannot be read.
    """
    owner = distribution.metadata["Name"]
    needed = (AFTER_NAME.split(each, maxsplit=1)[0] for each in distribution.requires or ())
    others = {canonicalize_name(each) for each in (owner, *needed)}
    found: list[Component] = []
    unread = []
    for name, path in documents(distribution):
        try:
            listed = list(read_document(path))
        except (OSError, ValueError, RecursionError):
            unread.append(printable(name))
        else:
            found += (each for each in listed if each.type != "pypi" or canonicalize_name(each.name) not in others)
    return [replace(each, inside=(owner,)) for each in found], tuple(unread)


def documents(distribution: importlib.metadata.Distribution) -> list[tuple[str, Path]]:
    """Its existing bills of materials, each with its path in `.dist-info`; sorted."""
    files = [each for each in distribution.files or () if len(each.parts) > 2 and ".." not in each.parts]
    found = [each for each in files if each.parts[0].endswith(".dist-info") and each.parts[1] == FOLDER]
    paths = (("/".join(each.parts[1:]), Path(str(distribution.locate_file(each)))) for each in found)
    return sorted((name, path) for name, path in paths if path.is_file())


def read_document(path: Path) -> Iterator[Component]:
    """The components that a document lists.

    Raises:
        OSError, ValueError, RecursionError: it cannot be read, or has another format.
    """
    if path.stat().st_size > LARGEST_BYTES:
        raise ValueError("too large")
    content = json.loads(path.read_bytes())
    if not isinstance(content, Mapping):
        raise ValueError("no table")
    if content.get("bomFormat") == "CycloneDX":
        return cyclonedx_components(content)
    if text(content.get("spdxVersion")).startswith("SPDX-2."):
        return spdx_components(content)
    raise ValueError("another format")


def cyclonedx_components(content: Mapping[str, Any]) -> Iterator[Component]:
    subject = text(table(table(content.get("metadata")).get("component")).get("bom-ref"))
    waiting = deque(tables(content.get("components")))
    while waiting:
        each = waiting.popleft()
        waiting += tables(each.get("components"))
        name = parse_url(text(each.get("purl"))) or named(each.get("name"), each.get("version"))
        is_subject = subject and text(each.get("bom-ref")) == subject
        if name and not is_subject and each.get("scope") != NOT_INSIDE:
            yield component(
                name,
                licenses=[cyclonedx_license(given) for given in tables(each.get("licenses"))],
                supplier=cyclonedx_supplier(each),
                notices=each.get("copyright"),
                sha256=next((h.get("content") for h in tables(each.get("hashes")) if h.get("alg") == "SHA-256"), ""),
            )


def cyclonedx_license(given: Mapping[str, Any]) -> str:
    single = table(given.get("license"))
    return text(given.get("expression")) or text(single.get("id")) or text(single.get("name"))


def cyclonedx_supplier(given: Mapping[str, Any]) -> str:
    """The supplier, or else manufacturer, publisher or authors; before 1.6 there was one "author"."""
    authors = ", ".join(filter(None, (text(each.get("name")) for each in tables(given.get("authors")))))
    named = (text(table(given.get(role)).get("name")) for role in ("supplier", "manufacturer"))
    return next(filter(None, (*named, text(given.get("publisher")), authors, text(given.get("author")))), "")


def spdx_components(content: Mapping[str, Any]) -> Iterator[Component]:
    described = {text(each) for each in sequence(content.get("documentDescribes"))}
    relations = tables(content.get("relationships"))
    described |= {text(r.get("relatedSpdxElement")) for r in relations if r.get("relationshipType") == "DESCRIBES"}
    for each in tables(content.get("packages")):
        urls = [text(r.get("referenceLocator")) for r in tables(each.get("externalRefs"))]
        name = next(filter(None, map(parse_url, urls)), None) or named(each.get("name"), each.get("versionInfo"))
        if name and text(each.get("SPDXID")) not in described:
            licenses = (text(each.get(key)) for key in ("licenseConcluded", "licenseDeclared"))
            sums = tables(each.get("checksums"))
            yield component(
                name,
                licenses=[next((known for known in licenses if known not in NOTHING_SAID), "")],
                supplier=spdx_supplier(text(each.get("supplier"))),
                notices=each.get("copyrightText"),
                sha256=next((s.get("checksumValue") for s in sums if s.get("algorithm") == "SHA256"), ""),
            )


def spdx_supplier(given: str) -> str:
    found = AGENT.fullmatch(given)
    return contact(found["name"].strip(), (found["address"] or "").strip()) if found else ""


def component(name: Name, *, licenses: Iterable[str], supplier: str, notices: object, sha256: object) -> Component:
    lines = notices.splitlines() if isinstance(notices, str) and len(notices) <= LONGEST_COPYRIGHT else []
    notice = "\n".join(filter(None, map(printable, lines)))
    digest = text(sha256).lower()
    return Component(
        kind="bundled",
        type=name.type,
        namespace=name.namespace,
        name=name.name,
        version=name.version,
        qualifiers=name.qualifiers,
        licenses=tuple(dict.fromkeys(filter(None, licenses))),
        supplier=supplier or (name.namespace if name.type in VENDORS else ""),
        copyright="" if notice in NOTHING_SAID else notice,
        sha256=digest if SHA256.fullmatch(digest) else "",
    )


def named(name: object, version: object) -> Name | None:
    title = text(name).strip("/ ")
    return Name(name=title, version=text(version)) if title else None


def parse_url(url: str) -> Name | None:
    """The parts of a package URL, without paths of a build machine and user names; None if it is not valid."""
    scheme, _, rest = url.partition(":")
    path, _, query = rest.partition("#")[0].partition("?")
    kind, *segments = path.strip("/").split("/")
    if scheme != "pkg" or not segments or not TYPE.fullmatch(kind.lower()):
        return None
    *namespace, last = segments
    name, _, version = last.partition("@")
    pairs = (pair.partition("=") for pair in query.split("&"))
    qualifiers = {key.lower(): unquote(value) for key, _, value in pairs}
    title = printable(unquote(name)).strip("/ ")
    above = "/".join(printable(unquote(each)) for each in namespace if each)
    number = printable(unquote(version))
    if not title or "//" in f"{above} {title} {number}":
        return None
    return Name(
        type=kind.lower(),
        namespace=above,
        name=title,
        version=number,
        qualifiers={
            key: printable(value)
            for key, value in sorted(qualifiers.items())
            if KEY.fullmatch(key) and PUBLIC.fullmatch(printable(value))
        },
    )


# Values from an untrusted document, as the expected type: empty if they have another.


def text(value: object) -> str:
    return printable(value) if isinstance(value, str) and len(value) <= LONGEST_TEXT else ""


def table(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def sequence(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def tables(value: object) -> list[Mapping[str, Any]]:
    return [each for each in sequence(value) if isinstance(each, Mapping)]
