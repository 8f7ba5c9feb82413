"""Programs that nobody wrote for this: what strangers.toml says of each, and its folder."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomlkit

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

STRANGERS = Path(__file__).with_name("strangers.toml")
TARGETS = ("app", "command", "script")
# What is taken over into its configuration, as it stands.
SETTINGS = (*TARGETS, "server", "smoke")
NOXFILE = "import pystatic_tasks\n\npystatic_tasks.register()\n"


@dataclass(frozen=True, kw_only=True)
class Stranger:
    """A program of PyPI, and how it is used.

    Attributes:
        name: As it is known, and the name of its image.
        kind: What it is, in a few words.
        requirements: What is installed, each with its version.
        settings: Its configuration: the target and what is asked of it, nothing else.
        env: Variables that its documentation demands.
        files: What stands beside its configuration, by path.
    """

    name: str
    kind: str
    requirements: Sequence[str]
    settings: Mapping[str, Any]
    env: Mapping[str, str]
    files: Mapping[str, str]

    @property
    def smoke(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.settings.get("smoke", {})
        return found

    def configuration(self) -> dict[str, Any]:
        """What stands in `[tool.pystatic-tasks]`."""
        image = {"image": {"env": dict(self.env)}} if self.env else {}
        return {"name": self.name, **self.settings, **image}


def read_strangers(path: Path = STRANGERS) -> list[Stranger]:
    """All of them, in the order of the file."""
    return [stranger(table) for table in read_tables(path)["stranger"]]


def read_tables(path: Path) -> Mapping[str, Any]:
    """The tables of a file of TOML."""
    return tomllib.loads(path.read_text(encoding="utf-8"))


def stranger(table: Mapping[str, Any]) -> Stranger:
    return Stranger(
        name=table["name"],
        kind=table["kind"],
        requirements=table["requirements"],
        settings={key: table[key] for key in SETTINGS if key in table},
        env=table.get("env", {}),
        files=table.get("files", {}),
    )


def lay_out(one: Stranger, folder: Path) -> None:
    """Write its project, as its user would have it."""
    pyproject = tomlkit.dumps({"tool": {"pystatic-tasks": one.configuration()}})
    requirements = "".join(f"{each}\n" for each in one.requirements)
    ours = {"noxfile.py": NOXFILE, "pyproject.toml": pyproject, "requirements.txt": requirements}
    for path, content in {**ours, **one.files}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content, encoding="utf-8")
