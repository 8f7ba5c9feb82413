"""`python -m bench.strangers`: programs that nobody wrote for this, built, run and asked in both layouts."""

from __future__ import annotations

import argparse
import itertools
import json
import re
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.build import REPOSITORY, inherited, run_as_one
from bench.natively import NativeError, prove
from bench.stranger import Stranger, lay_out, read_strangers

RESULTS = REPOSITORY / "build/strangers.json"
PAGE = REPOSITORY / "docs/frameworks.md"
BEGIN, END = "<!-- strangers: written by nox -s strangers -->\n", "<!-- end -->\n"
LAYOUTS = ("tree", "onefile")
ABORTED = " aborted: "
# What is kept of a run that ended without an error of ours.
LINES_SHOWN = 40
# What Nox adds to an error.
TOOK = re.compile(r" \(took [^)]*\)(?=\.?$)", re.MULTILINE)
# A line to write, as the message shows it.
LINE_TO_WRITE = re.compile(r"^ +([a-z.-]+ = .+)$", re.MULTILINE)
WORKS = "works at once"


@dataclass(frozen=True, kw_only=True)
class Tried:
    """What came of a stranger in one layout.

    Attributes:
        layout: Which.
        works: Whether smoke passed.
        seconds: How long it took.
        message: The end of what was printed, where it failed.
        size_bytes: On disk, where there is an image.
        compressed_bytes: On the wire, where there is an image.
        startup_ms: From the engine's start command to the first answer, where there was one.
    """

    layout: str
    works: bool
    seconds: float
    message: str = ""
    size_bytes: int | None = None
    compressed_bytes: int | None = None
    startup_ms: int | None = None


def main() -> int:
    options = parse()
    chosen = choose(read_strangers(), options.only)
    if options.native:
        return prove_all(chosen)
    layouts = [options.layout] if options.layout else LAYOUTS
    tried: dict[str, list[Tried]] = {}
    with ThreadPoolExecutor(options.jobs) as pool:
        for one, results in zip(chosen, pool.map(lambda each: build(each, layouts), chosen), strict=True):
            tried[one.name] = results
            report_progress(one, results)
            write_results(options.results, tried)
    print(table(chosen, tried), end="")
    everything = read_results(options.results)
    if all(set(everything.get(one.name, {})) == set(LAYOUTS) for one in read_strangers()):
        write_table(PAGE, table(read_strangers(), {name: list(each.values()) for name, each in everything.items()}))
    return 0 if all(each.works for results in tried.values() for each in results) else 1


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.strangers", description=__doc__)
    parser.add_argument("--only", nargs="+", metavar="NAME", default=[], help="these of them")
    parser.add_argument("--layout", choices=LAYOUTS, help="this layout only")
    parser.add_argument("--jobs", type=int, default=1, help="how many are built at the same time")
    parser.add_argument("--native", action="store_true", help="build nothing: ask them as plain Python")
    parser.add_argument("--results", type=Path, default=RESULTS, help="file for the raw results")
    return parser.parse_args()


def choose(strangers: Sequence[Stranger], names: Sequence[str]) -> list[Stranger]:
    unknown = sorted(set(names) - {one.name for one in strangers})
    if unknown:
        sys.exit(f"No stranger is called {unknown[0]}; they are in bench/strangers.toml.")
    return [one for one in strangers if not names or one.name in names]


def prove_all(strangers: Sequence[Stranger]) -> int:
    """Ask each as plain Python; the exit code."""
    failed = 0
    for one in strangers:
        with tempfile.TemporaryDirectory(prefix="pystatic-stranger-") as folder:
            try:
                print(f"{one.name}: as declared, in {prove(one, Path(folder)):.1f} s", flush=True)
            except NativeError as error:
                failed = 1
                print(f"{one.name}: {error}", flush=True)
    return failed


def build(one: Stranger, layouts: Sequence[str]) -> list[Tried]:
    """Build and smoke it in each layout, in one folder that is removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="pystatic-stranger-") as temporary:
        folder = Path(temporary)
        lay_out(one, folder / "project")
        (folder / "tmp").mkdir()
        return [smoke(one, folder, layout) for layout in layouts]


def smoke(one: Stranger, folder: Path, layout: str) -> Tried:
    started = time.monotonic()
    words = [sys.executable, "-m", "nox", "-db", "uv", "-s", "smoke", "--", "--layout", layout, "--engine", "sandbox"]
    dist = folder / "project/dist/pystatic" / one.name
    for stale in (dist / "image.json", dist / "smoke.json"):
        stale.unlink(missing_ok=True)
    variables = {**inherited(), "NO_COLOR": "1", "TMPDIR": str(folder / "tmp")}
    result = run_as_one(words, variables, cwd=folder / "project")
    image, seen = read(dist / "image.json"), read(dist / "smoke.json")
    works = result.returncode == 0
    return Tried(
        layout=layout,
        works=works,
        seconds=round(time.monotonic() - started, 1),
        message="" if works else deciding(result.stdout),
        size_bytes=image.get("size_bytes"),
        compressed_bytes=image.get("compressed_bytes"),
        startup_ms=next((run["startup_ms"] for run in seen.get("runs", [])), None),
    )


def read(path: Path) -> Mapping[str, Any]:
    """A manifest; empty where the build did not come that far."""
    if not path.exists():
        return {}
    content: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def deciding(printed: str) -> str:
    """What the session said that failed: from its error on, before those that follow from it."""
    lines = [line.removeprefix("nox > ") for line in printed.splitlines() if line.strip()]
    start = next((number for number, line in enumerate(lines) if ABORTED in line), max(0, len(lines) - LINES_SHOWN))
    message = itertools.takewhile(lambda line: not line.startswith("Running session"), lines[start:])
    return TOOK.sub("", "\n".join(message))


def report_progress(one: Stranger, results: Sequence[Tried]) -> None:
    """On standard error, which is for people."""
    said = ", ".join(f"{each.layout} {'works' if each.works else 'FAILED'} in {each.seconds:.0f} s" for each in results)
    print(f"{one.name}: {said}", file=sys.stderr, flush=True)


def write_results(path: Path, tried: Mapping[str, Sequence[Tried]]) -> None:
    """All that is known so far, beside what another run found of others."""
    found = dict(read(path))
    for name, results in tried.items():
        found[name] = found.get(name, {}) | {each.layout: asdict(each) for each in results}
    write(path, found)


def read_results(path: Path) -> dict[str, dict[str, Tried]]:
    """What is known of each, by layout."""
    return {
        name: {layout: Tried(**each) for layout, each in by_layout.items()} for name, by_layout in read(path).items()
    }


def write(path: Path, content: Mapping[str, Any]) -> None:
    """What `read` reads."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def write_table(page: Path, text: str, begin: str = BEGIN) -> None:
    """Put the table in its place on a page, which begins with that line."""
    before, begin, rest = page.read_text(encoding="utf-8").partition(begin)
    _, end, after = rest.partition(END)
    page.write_text(f"{before}{begin}\n{text}\n{end}{after}", encoding="utf-8")


def table(strangers: Sequence[Stranger], tried: Mapping[str, Sequence[Tried]]) -> str:
    """Markdown: a line for each."""
    return "".join(f"{line}\n" for line in rows(strangers, tried))


def rows(strangers: Sequence[Stranger], tried: Mapping[str, Sequence[Tried]]) -> Iterator[str]:
    yield "| program | kind | one file, MB | tree, MB | first answer, ms | |"
    yield "|---|---|---|---|---|---|"
    for one in strangers:
        by_layout = {each.layout: each for each in tried[one.name]}
        sizes = " | ".join(megabytes(by_layout.get(layout)) for layout in ("onefile", "tree"))
        yield f"| {one.name} | {one.kind} | {sizes} | {first_answers(by_layout)} | {verdict(tried[one.name])} |"


def megabytes(tried: Tried | None) -> str:
    return f"{tried.size_bytes / 1e6:.1f}" if tried and tried.size_bytes else ""


def first_answers(by_layout: Mapping[str, Tried]) -> str:
    """Of the one file, then of the tree."""
    both = [by_layout[layout].startup_ms for layout in ("onefile", "tree") if layout in by_layout]
    return ", ".join(str(each) for each in both if each is not None)


def verdict(results: Sequence[Tried]) -> str:
    """That it works at once, or what had to be said: the lines to write, or the error where it names none."""
    failed = [each for each in results if not each.works]
    if not failed:
        return WORKS
    message = failed[0].message
    lines = [f"`{line}`" for line in LINE_TO_WRITE.findall(message)]
    where = "" if len(failed) == len(results) else f"{failed[0].layout}: "
    return where + (", ".join(lines) or opening(message)).replace("|", "\\|")


def opening(message: str) -> str:
    """The first line, with the next where that says what is meant."""
    lines = [line.strip() for line in message.splitlines()]
    return " ".join(lines[:2] if message.partition("\n")[0].endswith(":") else lines[:1])


if __name__ == "__main__":
    sys.exit(main())
