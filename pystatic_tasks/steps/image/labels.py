"""Labels and annotations from pyproject.toml and git, with OCI's reserved keys.

https://github.com/opencontainers/image-spec/blob/main/annotations.md
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pystatic_tasks.config.project import license_expression
from pystatic_tasks.system.git import Git
from pystatic_tasks.system.redaction import masked, public_url

PREFIX = "org.opencontainers.image."
SOURCE_KEYS = ("source", "repository", "sourcecode", "sources", "github", "code")


def project_labels(project: Mapping[str, Any], version: str, git: Git) -> dict[str, str]:
    """Labels from the project's metadata; addresses are in the form of `public_url`, or omitted.

    Args:
        project: The table [project] of pyproject.toml.
        version: Version of the installed project, or "".
        git: The state of the sources in git.
    """
    addresses = {key: public_url(str(address)) for key, address in table_of(project, "urls").items()}
    urls = {"".join(filter(str.isalpha, key.lower())): address for key, address in addresses.items() if address}
    tables = (author for author in list_of(project, "authors") if isinstance(author, Mapping))
    authors = [str(author.get("name") or author.get("email", "")) for author in tables]
    found = {
        "title": project.get("name", ""),
        "description": project.get("description", ""),
        "version": version,
        "licenses": license_expression(project.get("license")),
        "authors": ", ".join(filter(None, authors)),
        "url": urls.get("homepage", ""),
        "documentation": urls.get("documentation") or urls.get("docs", ""),
        "source": next((urls[key] for key in SOURCE_KEYS if key in urls), git.remote),
        "revision": git.revision,
    }
    return {f"{PREFIX}{key}": one_line(value) for key, value in found.items() if value}


def table_of(project: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """The project's table of this name; empty if it is not a table."""
    table = project.get(key)
    return table if isinstance(table, Mapping) else {}


def list_of(project: Mapping[str, Any], key: str) -> Sequence[Any]:
    """The project's list of this name; empty if it is not a list."""
    found = project.get(key)
    return found if isinstance(found, list) else []


def one_line(value: object) -> str:
    """A value that also fits into a line of a Dockerfile, without credentials in URLs."""
    return masked("".join(filter(str.isprintable, " ".join(str(value).split()))))
