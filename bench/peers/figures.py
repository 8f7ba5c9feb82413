"""What is known of each way to an image, and the file in which it is kept from run to run."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from bench.measure import Figures, ratio
from bench.peers.archives import Digests
from pystatic_tasks.system.files import write_whole

REFERENCE = "Debian slim with pip"
STRICT, NEEDS_TMP, NEVER = "yes", "needs a writable /tmp", "no"


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A median over the rounds of one run.

    Attributes:
        median: In the unit of the measure.
        ratio: As a multiple of plain Python's, the median over the rounds.
    """

    median: float
    ratio: float


@dataclass(frozen=True, kw_only=True)
class Row:
    """What is known of one image; None where it was not measured.

    Attributes:
        name: As it is shown.
        base: What lies below the program, in words.
        is_ours: Whether it is made by this project.
        failure: Why there is no image, or none that answers.
        on_disk: Bytes of its files.
        gzip, zstd: Bytes of its layers, compressed.
        build_seconds: From nothing.
        change_seconds: After one changed line.
        digests: By what another build of it is known again.
        same: What of two builds is the same.
        has_shell: Whether there is one.
        policy: Whether it runs on a read-only root, without capabilities, as another user.
        figures: By measure: "start" and "docker", milliseconds to the first right answer, as a process and by
            `docker run`; "requests", right answers in a second; "memory", PSS of all processes in MiB.
    """

    name: str
    base: str
    is_ours: bool = False
    failure: str = ""
    on_disk: int | None = None
    gzip: int | None = None
    zstd: int | None = None
    build_seconds: float | None = None
    change_seconds: float | None = None
    digests: Digests | None = None
    same: str | None = None
    has_shell: bool | None = None
    policy: str | None = None
    figures: Mapping[str, Figure] = field(default_factory=dict)


def with_figures(rows: Iterable[Row], measure: str, figures: Figures) -> list[Row]:
    """The rows with what one run has found of a measure."""
    found = []
    for row in rows:
        if row.name in figures:
            figure = Figure(median=statistics.median(figures[row.name]), ratio=ratio(figures, row.name, REFERENCE))
            found.append(replace(row, figures={**row.figures, measure: figure}))
        else:
            found.append(row)
    return found


def write_rows(path: Path, rows: Mapping[str, Sequence[Row]]) -> None:
    """Keep the rows of each project."""
    content = {project: [asdict(row) for row in each] for project, each in rows.items()}
    write_whole(path, json.dumps(content, indent=2).encode() + b"\n")


def read_rows(path: Path) -> dict[str, list[Row]]:
    """What is kept; nothing if there is no such file."""
    if not path.exists():
        return {}
    content = json.loads(path.read_text(encoding="utf-8"))
    return {project: [row(each) for each in rows] for project, rows in content.items()}


def row(content: Mapping[str, Any]) -> Row:
    figures = {measure: Figure(**each) for measure, each in content["figures"].items()}
    digests = Digests(**content["digests"]) if content["digests"] else None
    return Row(**{**content, "figures": figures, "digests": digests})
