"""The peers and the projects that they are tried with: what peers.toml and projects.toml say of them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.build import SERVER
from bench.server import BenchError, Question
from bench.stranger import read_tables

HERE = Path(__file__).parent
PEERS, PROJECTS = HERE / "peers.toml", HERE / "projects.toml"


@dataclass(frozen=True, kw_only=True)
class Project:
    """A service that everybody builds.

    Attributes:
        name: As it is shown, and the name of its folder.
        folder: Where it lies in this repository.
        app: The application, in gunicorn's syntax.
        source: A file of it, to which a line is added.
        packages: Those that it loads by name.
        build_env: Variables that those who freeze look at.
        question: What it is asked.
        left_out: Steps of building that are not taken with it.
    """

    name: str
    folder: str
    app: str
    source: str
    packages: Sequence[str]
    build_env: Mapping[str, str]
    question: Question
    left_out: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Peer:
    """A way to an image that is not ours.

    Attributes:
        name: As it is shown.
        base: What lies below the program, in words.
        tools: What is installed to build with it.
        include: The option that names a package to it, with {package} in it; "" if it needs none.
        more: Options for a project, by its name.
        program: What it makes, whose libraries come from the system; "" if it brings all.
        steps: The Dockerfile, with names of stages in place of these.
        command: What is started.
        left_out: Steps of building that are not taken, by the project's name; all of them if "build" is among them.
    """

    name: str
    base: str
    steps: str
    command: Sequence[str]
    tools: Sequence[str] = ()
    include: str = ""
    more: Mapping[str, str] = field(default_factory=dict)
    program: str = ""
    left_out: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Its name for files and images, and on the command line."""
        return slug(self.name)


@dataclass(frozen=True, kw_only=True)
class Peers:
    """All that peers.toml says.

    Attributes:
        bases: The packages of Debian in each base.
        stages: Steps that many have in common, by their name.
        peers: In their order.
    """

    bases: Mapping[str, Sequence[str]]
    stages: Mapping[str, str]
    peers: Sequence[Peer]


def slug(name: str) -> str:
    """The words of a name in small letters, with dashes between them."""
    return "-".join("".join(letter if letter.isalnum() else " " for letter in name.lower()).split())


def read_peers(path: Path = PEERS) -> Peers:
    tables = read_tables(path)
    peers = [Peer(**each) for each in tables["peer"]]
    return Peers(bases=tables["bases"], stages=tables["stages"], peers=peers)


def read_projects(path: Path = PROJECTS) -> list[Project]:
    return [project(table) for table in read_tables(path)["project"]]


def project(table: Mapping[str, Any]) -> Project:
    return Project(**{**table, "question": Question(**table["question"])})


def choose(names: Sequence[str], known: Sequence[str], what: str) -> list[str]:
    """Those of the known that are named, in their order; all if none is named.

    Raises:
        BenchError: one is not known.
    """
    unknown = next((name for name in names if name not in known), None)
    if unknown is not None:
        raise BenchError(f'No {what} is called "{unknown}"; there are {", ".join(known)}.')
    return [name for name in known if not names or name in names]


def dockerfile(peer: Peer, one: Project, stages: Mapping[str, str]) -> str:
    """The Dockerfile of a peer for a project."""
    lines = peer.steps.strip().splitlines()
    text = "\n".join(stages[line].strip() if line in stages else line for line in lines)
    values = {
        "tools": " ".join(peer.tools),
        "include": " ".join(
            [*(peer.include.format(package=each) for each in one.packages), peer.more.get(one.name, "")]
        ),
        "env": " ".join(f"{name}={value}" for name, value in one.build_env.items()),
        "program": peer.program,
    }
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", value)
    return "\n".join([*(re.sub(" +", " ", line).rstrip() for line in text.splitlines()), *starting(peer, one), ""])


def starting(peer: Peer, one: Project) -> list[str]:
    """The last lines: what is started, and where it listens unless it is told."""
    command = [*(word.format(app=one.app) for word in peer.command), *SERVER]
    return [f"ENTRYPOINT {json.dumps(command)}", 'CMD ["--bind", "0.0.0.0:8000"]']


def program(one: Project) -> str:
    """The script that is frozen: gunicorn's own command, with all in sight that it loads by name."""
    module = one.app.partition(":")[0]
    names = ("gunicorn.glogging", "gunicorn.workers.sync", module)
    imports = "".join(f"import {name}\n" for name in names)
    return (
        "import sys\n\nfrom gunicorn.app.wsgiapp import run\n\n"
        f'{imports}\nif __name__ == "__main__":\n    sys.argv[1:1] = ["{one.app}"]\n    run()\n'
    )
