"""`python -m bench.suites`: the tests of real projects, run in the programs that slim made of them."""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.build import REPOSITORY
from bench.containers import DEBIANS_PYTHON
from bench.server import BenchError
from bench.strangers import read, write, write_table
from bench.suite import (
    EXERCISES,
    Results,
    Suite,
    build,
    install_tools,
    lay_out,
    own_names,
    read_suites,
    run_in_program,
    run_natively,
    size_bytes,
    unpack,
)

RESULTS = REPOSITORY / "build/suites.json"
PAGE = REPOSITORY / "docs/slim.md"
BEGIN = "<!-- suites: written by nox -s suites -->\n"
FORMS = ("whole", "slim")
# What differs from one test to the next.
DETAILS = re.compile(r"0x[0-9a-f]+|(?:/[\w.+-]+)+")


@dataclass(frozen=True, kw_only=True)
class Ran:
    """What came of the tests in one program.

    Attributes:
        size_bytes: Of the program's image, on disk.
        failed: How many tests fail that pass in the plain Python.
        reasons: Of these, how many for each reason.
    """

    size_bytes: int
    failed: int
    reasons: Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class Counted:
    """What came of a project's tests.

    Attributes:
        version: The source distribution that they are in.
        passed: How many pass in the plain Python.
        ran: In each program: first what it is, whole or slim, then what it was shown.
    """

    version: str
    passed: int
    ran: Mapping[str, Ran]

    @property
    def lost(self) -> int:
        """How many tests fail because the program is slim, though it was shown these tests."""
        return self.ran["slim suite"].failed - self.ran["whole suite"].failed


def main() -> int:
    options = parse()
    suites = read_suites()
    unknown = sorted(set(options.only) - {one.name for one in suites})
    if unknown:
        sys.exit(f"No project is called {unknown[0]}; they are in bench/suites.toml.")
    counted = read_counted(options.results)
    failed = False
    for one in suites:
        if options.only and one.name not in options.only:
            continue
        try:
            counted[one.name] = count(one, options.python, options.keep)
        except BenchError as error:
            failed = True
            print(error, file=sys.stderr, flush=True)
            continue
        report_progress(one, counted[one.name])
        write(options.results, {name: asdict(each) for name, each in counted.items()})
    there = [one for one in suites if one.name in counted]
    print(table(there, counted), end="")
    if there == suites:
        write_table(PAGE, table(suites, counted), BEGIN)
    return 1 if failed or any(each.lost for each in counted.values()) else 0


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.suites", description=__doc__)
    parser.add_argument("--only", nargs="+", metavar="NAME", default=[], help="these of them")
    parser.add_argument("--python", default=str(DEBIANS_PYTHON), help="interpreter to build with")
    parser.add_argument(
        "--keep", type=Path, metavar="FOLDER", help="build below this folder, and leave all that is there"
    )
    parser.add_argument("--results", type=Path, default=RESULTS, help="file for the raw results")
    return parser.parse_args()


def count(one: Suite, python: str, keep: Path | None) -> Counted:
    """Build its programs and run its tests in each."""
    if keep:
        (keep / one.name).mkdir(parents=True)
        return count_in(one, keep / one.name, python)
    with tempfile.TemporaryDirectory(prefix="pystatic-suite-") as temporary:
        return count_in(one, Path(temporary), python)


def count_in(one: Suite, folder: Path, python: str) -> Counted:
    lay_out(one, folder)
    build(folder, "image", python)
    install_tools(one, folder)
    before = run_natively(one, folder)
    own = own_names(unpack(folder, "requests", "whole"))
    ran = {}
    for form in FORMS:
        if form == "slim":
            build(folder, "slim", python)
            build(folder, "image", python)
        for exercise in EXERCISES:
            root = unpack(folder, exercise, f"{form}-{exercise}")
            after = run_in_program(one, folder, root, own)
            ran[f"{form} {exercise}"] = compare(before, after, size_bytes(folder, exercise))
    return Counted(version=one.sdist.partition("==")[2], passed=len(before.passed), ran=ran)


def compare(before: Results, after: Results, size: int) -> Ran:
    """What passed before and does not any more, and why."""
    failed = before.passed - after.passed
    reasons = Counter(DETAILS.sub("…", after.reason(test)) for test in failed)
    return Ran(size_bytes=size, failed=len(failed), reasons=dict(reasons.most_common()))


def report_progress(one: Suite, counted: Counted) -> None:
    """On standard error, which is for people."""
    print(f"{one.name}: {counted.passed} tests pass in the plain Python", file=sys.stderr)
    for name, ran in counted.ran.items():
        print(f"  {name}: {ran.failed} of them fail in {megabytes(ran)} MB", file=sys.stderr)
        for reason, times in ran.reasons.items():
            print(f"    {times} times {reason}", file=sys.stderr, flush=True)


def read_counted(path: Path) -> dict[str, Counted]:
    """What other runs found."""
    return {
        name: Counted(**{**each, "ran": {key: Ran(**ran) for key, ran in each["ran"].items()}})
        for name, each in read(path).items()
    }


def table(suites: Sequence[Suite], counted: Mapping[str, Counted]) -> str:
    """Markdown: a line for each."""
    return "".join(f"{line}\n" for line in rows(suites, counted))


def rows(suites: Sequence[Suite], counted: Mapping[str, Counted]) -> Iterator[str]:
    yield (
        "| project | tests | fail in the whole program | slim by these tests | slim by requests "
        "| MB whole | slim by these tests | slim by requests |"
    )
    yield "|---|---|---|---|---|---|---|---|"
    for one in suites:
        ran = counted[one.name].ran
        shown = [ran[name] for name in ("whole suite", "slim suite", "slim requests")]
        figures = [*(str(each.failed) for each in shown), *map(megabytes, shown)]
        yield f"| {one.name} {counted[one.name].version} | {counted[one.name].passed} | {' | '.join(figures)} |"


def megabytes(ran: Ran) -> str:
    return f"{ran.size_bytes / 1e6:.1f}"


if __name__ == "__main__":
    sys.exit(main())
