"""Tables and the plot, and the page that they stand on."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.peers.figures import Figure, Row
from bench.peers.plot import Point, plot
from bench.strangers import write_table

BEGIN = "<!-- peers: written by nox -s peers -->\n"
PAGE, PICTURE = "docs/peers.md", "docs/peers.svg"
# What the plot compares.
SHOWN_PROJECT = "sample-app"
# Lines of a failure that do not say why: empty ones, and Docker's last.
NOTHING_SAID = re.compile(r"\s*$|The command .* returned a non-zero code")
OURS_TO_BEAT = "ours, one file", "ours, tree"


@dataclass(frozen=True, kw_only=True)
class Column:
    """What is shown of each image.

    Attributes:
        title: Of the column.
        show: The cell.
        compare: The figure by which one is better than another, if it has one: the smaller the better.
    """

    title: str
    show: Callable[[Row], str]
    compare: Callable[[Row], float | None] = lambda row: None


def megabytes(size: int | None) -> str:
    return "" if size is None else f"{size / 1e6:.2f}"


def seconds(figure: float | None) -> str:
    return "" if figure is None else f"{figure:.1f}"


def multiple(figure: Figure | None) -> str:
    return "" if figure is None else f"\u00d7 {figure.ratio:.2f}"


def with_median(figure: Figure | None) -> str:
    return "" if figure is None else f"{figure.median:.0f}, {multiple(figure)}"


def yes(is_so: bool | None) -> str:
    return "" if is_so is None else "yes" if is_so else "no"


def least(figure: Figure | None) -> float | None:
    return None if figure is None else figure.ratio


def most(figure: Figure | None) -> float | None:
    return None if figure is None else -figure.ratio


ON_DISK = Column(title="on disk, MB", show=lambda row: megabytes(row.on_disk), compare=lambda row: row.on_disk)
GZIP = Column(title="gzip, MB", show=lambda row: megabytes(row.gzip), compare=lambda row: row.gzip)
ZSTD = Column(title="zstd, MB", show=lambda row: megabytes(row.zstd), compare=lambda row: row.zstd)
BUILD = Column(title="build, s", show=lambda row: seconds(row.build_seconds), compare=lambda row: row.build_seconds)
CHANGE = Column(
    title="after a line, s", show=lambda row: seconds(row.change_seconds), compare=lambda row: row.change_seconds
)
START = Column(
    title="start, ms",
    show=lambda row: with_median(row.figures.get("start")),
    compare=lambda row: least(row.figures.get("start")),
)
DOCKER = Column(
    title="`docker run`, ms",
    show=lambda row: with_median(row.figures.get("docker")),
    compare=lambda row: least(row.figures.get("docker")),
)
REQUESTS = Column(
    title="requests/s",
    show=lambda row: with_median(row.figures.get("requests")),
    compare=lambda row: most(row.figures.get("requests")),
)
MEMORY = Column(
    title="PSS, MiB",
    show=lambda row: with_median(row.figures.get("memory")),
    compare=lambda row: least(row.figures.get("memory")),
)
POLICY = Column(title="strict policy", show=lambda row: row.policy or "")
NO_SHELL = Column(title="no shell", show=lambda row: "" if row.has_shell is None else yes(not row.has_shell))
SAME = Column(title="same bytes twice", show=lambda row: row.same or "")
BASE = Column(title="lies on", show=lambda row: row.base)
COLUMNS = (ON_DISK, GZIP, ZSTD, BUILD, CHANGE, START, DOCKER, REQUESTS, MEMORY, POLICY, NO_SHELL, SAME, BASE)


def table(rows: Sequence[Row], columns: Sequence[Column], first: str) -> str:
    """Markdown: a line for each, without the columns of which nothing was measured."""
    columns = [column for column in columns if any(map(column.show, rows))]
    lines = [f"| {first} | {' | '.join(column.title for column in columns)} |", "|---" * (len(columns) + 1) + "|"]
    for row in rows:
        cells = [column.show(row) for column in columns]
        lines.append(f"| {shown(row)} | {' | '.join(cells)} |")
    return "".join(f"{line}\n" for line in lines)


def shown(row: Row) -> str:
    """Its name, as it stands in a table."""
    return f"**{row.name}**" if row.is_ours else row.name


def better(rows: Sequence[Row]) -> str:
    """Markdown: for each column with figures, which image has the best, and whose are better than those of ours."""
    ours = {row.name: row for row in rows if row.name in OURS_TO_BEAT}
    heads = ["", "best of all", *ours, "better than both of these"]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for column in COLUMNS:
        figures = {row.name: figure for row in rows if (figure := column.compare(row)) is not None}
        to_beat = [figures[name] for name in ours if name in figures]
        if not to_beat:
            continue
        best = min((row for row in rows if row.name in figures), key=lambda row: figures[row.name])
        ahead = [row for row in rows if not row.is_ours and figures.get(row.name, math.inf) < min(to_beat)]
        names = [f"{row.name} ({column.show(row)})" for row in sorted(ahead, key=lambda row: figures[row.name])]
        cells = [column.title, f"{shown(best)}: {column.show(best)}", *map(column.show, ours.values())]
        lines.append(f"| {' | '.join([*cells, '; '.join(names) or 'nobody'])} |")
    return "".join(f"{line}\n" for line in lines)


def failures(rows: Sequence[Row]) -> Iterator[str]:
    """Who has no image, or none that answers, and the last that was said."""
    for row in rows:
        if row.failure:
            said = [line.strip() for line in row.failure.splitlines() if not NOTHING_SAID.match(line)]
            yield f"- {row.name}: `{said[-1][:200]}`\n"


def text(project: str, rows: Sequence[Row]) -> str:
    """All there is to say of a project."""
    there = [row for row in rows if not row.failure]
    parts = [f"## {project}\n\n", table(there, COLUMNS, project)]
    parts += [f"\n### Where a peer is better: {project}\n\n", better(there)]
    failed = list(failures(rows))
    if failed:
        parts += ["\nThese did not come to an image that answers:\n\n", *failed]
    return "".join(parts)


def picture(rows: Sequence[Row]) -> str:
    """Size against start, of all that have both."""
    points = [
        Point(name=row.name, x=row.on_disk / 1e6, y=row.figures["docker"].ratio, is_ours=row.is_ours)
        for row in rows
        if row.on_disk is not None and "docker" in row.figures
    ]
    return plot(
        points,
        "Images of one service: size against start",
        "image on disk, MB",
        "docker run to the first answer, as a multiple of plain Python's",
    )


def write_page(rows: Mapping[str, Sequence[Row]], folder: Path) -> None:
    """Put the tables on the page, and the plot beside it."""
    there = [row for row in rows[SHOWN_PROJECT] if not row.failure]
    (folder / PICTURE).write_text(picture(there), encoding="utf-8")
    parts = [f"![Size against start]({Path(PICTURE).name})\n", *(text(project, each) for project, each in rows.items())]
    write_table(folder / PAGE, "\n".join(parts), BEGIN)
