"""`python -m bench.growth`: what a build costs when a project grows by modules, dependencies, data, or files beside it.

What was found is kept, and asked anew only with --again: a run that is ended goes on where it was.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from bench.build import REPOSITORY, inherited
from bench.containers import DEBIANS_PYTHON
from bench.measure import start
from bench.server import BenchError, Variant, check_port
from bench.strangers import write_table
from bench.synthetic import QUESTION, Size, lay_out
from pystatic_tasks.engines.local import descendants

PAGE = REPOSITORY / "docs/peers.md"
BEGIN = "<!-- growth: written by nox -s growth -->\n"
# One grows while the other stays at its least.
LEAST = Size(modules=10, dependencies=5, data_files=10, files_beside=0)
GROWING: Mapping[str, Sequence[int]] = {
    "modules": (10, 100, 1000),
    "dependencies": (5, 50, 200),
    "data_files": (10, 100, 1000),
    "files_beside": (0, 6_000, 60_000),
}
SECONDS_BETWEEN_LOOKS = 0.05
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
STARTS = 5


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What came of a project of one size.

    Attributes:
        build_seconds: From nothing.
        cpu_seconds: Of the processors meanwhile, which other programs of the machine disturb less.
        change_seconds: After one changed line.
        unchanged_seconds: Once more, with nothing to do.
        peak_mib: The most memory that all processes of the build had at one time, by RSS.
        size_bytes: Of the image, on disk.
        start_ms: To the first right answer, as a process: the median of some.
    """

    build_seconds: float
    cpu_seconds: float
    change_seconds: float
    unchanged_seconds: float
    peak_mib: float
    size_bytes: int
    start_ms: float


@dataclass(frozen=True, kw_only=True)
class Measure:
    """One figure of a cost.

    Attributes:
        title: Of its row.
        find: The figure.
        digits: How many are shown behind the point.
    """

    title: str
    find: Callable[[Cost], float]
    digits: int = 1


MEASURES = (
    Measure(title="build from nothing, s", find=lambda cost: cost.build_seconds),
    Measure(title="of it processors, s", find=lambda cost: cost.cpu_seconds),
    Measure(title="after one changed line, s", find=lambda cost: cost.change_seconds),
    Measure(title="with nothing to do, s", find=lambda cost: cost.unchanged_seconds),
    Measure(title="peak RSS of the build, MiB", find=lambda cost: cost.peak_mib, digits=0),
    Measure(title="image on disk, kB", find=lambda cost: cost.size_bytes / 1000, digits=0),
    Measure(title="start, ms", find=lambda cost: cost.start_ms, digits=0),
)


def main() -> int:
    options = parse()
    path: Path = options.folder / "growth.json"
    options.folder.mkdir(parents=True, exist_ok=True)
    try:
        check_port(options.port)
        for size in sizes():
            if options.again or size.name not in read_costs(path):
                keep(path, size, measure(size, options))
    except BenchError as error:
        print(error, file=sys.stderr)
        return 1
    text = "\n".join(tables(read_costs(path)))
    print(text)
    write_table(options.page, text, BEGIN)
    return 0


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.growth", description=__doc__)
    parser.add_argument("--python", default=str(DEBIANS_PYTHON), help="interpreter to build with")
    parser.add_argument("--again", action="store_true", help="also what is known already")
    parser.add_argument("--port", type=int, default=8765, help="port of 127.0.0.1 to serve on")
    parser.add_argument("--folder", type=Path, default=REPOSITORY / "build/growth", help="where to build")
    parser.add_argument("--page", type=Path, default=PAGE, help="page to write")
    return parser.parse_args()


def sizes_of(noun: str) -> list[Size]:
    """Projects of which this grows, while all else stays at its least."""
    return [replace(LEAST, **{noun: count}) for count in GROWING[noun]]


def sizes() -> list[Size]:
    """Each once."""
    return list(dict.fromkeys(size for noun in GROWING for size in sizes_of(noun)))


def measure(size: Size, options: argparse.Namespace) -> Cost:
    """Build a project of that size, start it, change a line, and build it twice."""
    folder = options.folder / size.name
    lay_out(size, folder)
    fresh = build(folder, options.python, "--no-cache")
    size_bytes = json.loads((folder / "dist/pystatic/grown/image.json").read_text(encoding="utf-8"))["size_bytes"]
    variant = Variant(name=size.name, command=[str(folder / "dist/pystatic/grown/grown")], question=QUESTION)
    starts = [start(variant, options.port, folder / "server.log") for _ in range(STARTS)]
    with (folder / "project/grown/web.py").open("a", encoding="utf-8") as file:
        file.write("CHANGED = 1\n")
    changed = build(folder, options.python)
    unchanged = build(folder, options.python)
    cost = Cost(
        build_seconds=round(fresh.seconds, 1),
        cpu_seconds=round(fresh.cpu_seconds, 1),
        change_seconds=round(changed.seconds, 1),
        unchanged_seconds=round(unchanged.seconds, 1),
        peak_mib=round(fresh.peak_bytes / 2**20),
        size_bytes=size_bytes,
        start_ms=round(statistics.median(starts)),
    )
    print(f"{size.name}: {cost}", file=sys.stderr, flush=True)
    return cost


@dataclass(frozen=True)
class Spent:
    """What a build took."""

    seconds: float
    cpu_seconds: float
    peak_bytes: int


def build(folder: Path, python: str, *options: str) -> Spent:
    """Build the image of a project.

    Raises:
        BenchError: it failed.
    """
    command = [sys.executable, "-m", "nox", "-s", "image", "--", "--engine", "sandbox", *options]
    variables = {**inherited(), "PYSTATIC_TASKS_PYTHON": python, "PIP_FIND_LINKS": str(folder / "wheels")}
    log = folder / "build.log"
    peak, started, cpu_before = 0, time.monotonic(), cpu_of_children()
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=folder, env=variables, stdout=output, stderr=subprocess.STDOUT)
        while process.poll() is None:
            peak = max(peak, sum(map(resident, [process.pid, *descendants(process.pid)])))
            time.sleep(SECONDS_BETWEEN_LOOKS)
    if process.returncode:
        raise BenchError(f"{folder.name} cannot be built:\n{log.read_text(errors='replace')[-3000:]}")
    return Spent(time.monotonic() - started, cpu_of_children() - cpu_before, peak)


def cpu_of_children() -> float:
    """Seconds of all that were started and have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def resident(pid: int) -> int:
    """Bytes of memory that a process has; none if it has ended."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * PAGE_BYTES
    except OSError:
        return 0


def keep(path: Path, size: Size, cost: Cost) -> None:
    known = {name: asdict(each) for name, each in {**read_costs(path), size.name: cost}.items()}
    path.write_text(json.dumps(known, indent=2) + "\n", encoding="utf-8")


def read_costs(path: Path) -> dict[str, Cost]:
    """What is kept, by the name of the size; nothing if there is no such file."""
    if not path.exists():
        return {}
    return {name: Cost(**each) for name, each in json.loads(path.read_text(encoding="utf-8")).items()}


def tables(costs: Mapping[str, Cost]) -> Iterator[str]:
    """Markdown: a table for each thing that grows, with what each more of it costs."""
    for noun, counts in GROWING.items():
        yield table(noun.replace("_", " "), counts, [costs[size.name] for size in sizes_of(noun)])


def table(noun: str, counts: Sequence[int], costs: Sequence[Cost]) -> str:
    """A row for each measure: its figures, the slope in each half, and how much steeper the second is."""
    spans = [f"each, {low} to {high}" for low, high in itertools.pairwise(counts)]
    heads = [noun, *map(str, counts), *spans, "steeper"]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for one in MEASURES:
        figures = [one.find(cost) for cost in costs]
        found = slopes(counts, figures)
        shown = [*(f"{figure:,.{one.digits}f}" for figure in figures), *(f"{slope:.3g}" for slope in found)]
        lines.append(f"| {' | '.join([one.title, *shown, steeper(found)])} |")
    return "".join(f"{line}\n" for line in lines)


def slopes(counts: Sequence[int], figures: Sequence[float]) -> list[float]:
    """What one more costs, between each two neighbours."""
    pairs = list(zip(counts, figures, strict=True))
    return [(high[1] - low[1]) / (high[0] - low[0]) for low, high in itertools.pairwise(pairs)]


def steeper(found: Sequence[float]) -> str:
    """The last slope as a multiple of the first: one where the cost is linear; nothing where the first is none."""
    return f"{found[-1] / found[0]:.2f}" if found[0] > 0 else ""


if __name__ == "__main__":
    sys.exit(main())
