"""`python -m bench.peers`: what people would take instead, and ours, built and measured in turn.

What was found is kept, and asked anew only with --again: a run that is ended goes on where it was.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.build import REPOSITORY, WORKERS
from bench.measure import memory, requests_per_second, start
from bench.peers.figures import REFERENCE, Row, read_rows, with_figures, write_rows
from bench.peers.images import Workshop, check_release, gather_wheels, is_there, make_bases, offering
from bench.peers.page import text, write_page
from bench.peers.peer import Project, choose, read_peers, read_projects, slug
from bench.peers.runs import of_those_that_answer, process, strictest
from bench.peers.ways import BUILDS, Way, all_ways, every_way
from bench.server import BenchError, Variant, check_port

STEPS = (*BUILDS, "start", "docker", "requests", "memory")
RESULTS = "peers.json"
TOOLS = ("docker", "debootstrap", "wrk")


def main() -> int:
    options = parse()
    try:
        check(options.port)
        options.folder.mkdir(parents=True, exist_ok=True)
        shop = Workshop(folder=options.folder, peers=read_peers())
        projects = read_projects()
        chosen = choose(options.project, [one.name for one in projects], "project")
        for one in projects:
            if one.name in chosen:
                measure(shop, one, options)
    except BenchError as error:
        print(error, file=sys.stderr)
        return 1
    rows = read_rows(options.folder / RESULTS)
    print("\n".join(text(project, each) for project, each in rows.items()))
    if all(is_complete(shop, one, rows.get(one.name, [])) for one in projects):
        write_page(rows, options.pages)
    else:
        print("The pages are written once every peer has been tried with every project.", file=sys.stderr)
    return 0


def is_complete(shop: Workshop, one: Project, rows: Sequence[Row]) -> bool:
    """Whether all ways to an image of a project were tried, and all that came to one were run."""
    tried = {row.name for row in rows if row.failure or row.policy}
    return tried == {way.name for way in all_ways(shop, one)}


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.peers", description=__doc__)
    parser.add_argument("--only", nargs="+", metavar="NAME", default=[], help="these peers, and plain Python")
    parser.add_argument("--project", nargs="+", metavar="NAME", default=[], help="with these projects")
    parser.add_argument("--step", nargs="+", choices=STEPS, default=STEPS, help="these measures")
    parser.add_argument("--again", action="store_true", help="also what is known already")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of starts; half as many of load and memory")
    parser.add_argument("--seconds", type=int, default=3, help="seconds of load in each round")
    parser.add_argument("--port", type=int, default=8765, help="port of 127.0.0.1 to serve on; wheels on the next")
    parser.add_argument("--folder", type=Path, default=REPOSITORY / "build/peers", help="where to build")
    parser.add_argument("--pages", type=Path, default=REPOSITORY, help="folder with the docs/ to write")
    return parser.parse_args()


def check(port: int) -> None:
    """Raises BenchError if nothing can be measured here."""
    for each in (port, port + 1):
        check_port(each)
    if os.geteuid() != 0:
        raise BenchError("The bases are made by debootstrap, and programs run in roots of their own: run it as root.")
    check_release(platform.freedesktop_os_release().get("VERSION_CODENAME", ""))
    for tool in TOOLS:
        if shutil.which(tool) is None:
            raise BenchError(f'There is no program "{tool}" on the PATH.')


def measure(shop: Workshop, one: Project, options: argparse.Namespace) -> None:
    """Measure a project's images, and keep what is found after each."""
    known = [way.key for way in every_way(shop, one)]
    names = choose([slug(REFERENCE), *options.only] if options.only else [], known, "peer")
    peers = [peer for peer in shop.peers.peers if peer.key in names]
    gather_wheels(shop, one, peers)
    make_bases(shop, one, peers)
    (shop.folder / one.name).mkdir(exist_ok=True)
    session = Session(shop=shop, one=one, names=names, options=options)
    build_all(session)
    for step in options.step:
        if step not in BUILDS:
            run_all(session, step)


@dataclass(frozen=True, kw_only=True)
class Session:
    """One project, some ways to its image, and what is known of these, on disk.

    Attributes:
        shop: Where all is built.
        one: The project.
        names: Of the ways, by their keys.
        options: Of the command line.
    """

    shop: Workshop
    one: Project
    names: Sequence[str]
    options: argparse.Namespace

    @property
    def path(self) -> Path:
        return self.shop.folder / RESULTS

    @property
    def log(self) -> Path:
        """What the server says that runs."""
        return self.shop.folder / self.one.name / "server.log"

    def ways(self) -> list[Way]:
        """Those that were chosen, plain Python first."""
        chosen = [way for way in all_ways(self.shop, self.one) if way.key in self.names]
        return sorted(chosen, key=lambda way: way.name != REFERENCE)

    def rows(self) -> dict[str, Row]:
        """What is known, by name."""
        return {row.name: row for row in read_rows(self.path).get(self.one.name, [])}

    def keep(self, *rows: Row) -> None:
        """Put rows in place of those of the same name."""
        known = {**self.rows(), **{row.name: row for row in rows}}
        ordered = [known[way.name] for way in all_ways(self.shop, self.one) if way.name in known]
        write_rows(self.path, {**read_rows(self.path), self.one.name: ordered})

    def say(self, what: str) -> None:
        """On standard error, which is for people."""
        print(f"{self.one.name}: {what}", file=sys.stderr, flush=True)


def build_all(session: Session) -> None:
    """Build what is not there, or all with --again; what has failed is tried again with that only."""
    steps = [step for step in BUILDS if step in session.options.step]
    with offering(session.shop.wheels, session.options.port + 1) as address:
        for way in session.ways():
            for step in steps:
                build_one(session, way, step, address)


def build_one(session: Session, way: Way, step: str, address: str) -> None:
    """Do one step of building by one way, unless what it finds out is known."""
    field, build = BUILDS[step]
    unknown = Row(name=way.name, base=way.base, is_ours=way.is_ours)
    row = session.rows().get(way.name, unknown)
    if step in way.left_out or (step != "build" and row.on_disk is None):
        return
    is_known = row.failure or (getattr(row, field) is not None and is_there(way.image))
    if is_known and not (session.options.again and (step == "build" or not row.failure)):
        return
    try:
        row = build(way, unknown if step == "build" else row, address, session.shop.folder / "compressed.json")
    except BenchError as error:
        row = replace(row, failure=str(error))
    session.keep(row)
    session.say(f"{way.name}: {step} {'failed' if row.failure else 'done'}")


def run_all(session: Session, step: str) -> None:
    """Measure, in turn, those of which this is not known, and plain Python with them."""
    rows = {name: row for name, row in session.rows().items() if not row.failure}
    unknown = {name for name, row in rows.items() if session.options.again or step not in row.figures}
    ways = [way for way in session.ways() if way.name in rows and way.name in {*unknown, REFERENCE}]
    if {way.name for way in ways} == {REFERENCE} and REFERENCE not in unknown:
        return
    variants = in_docker(session, ways) if step == "docker" else as_processes(session, ways)
    rounds, find = how(session, step)
    figures = of_those_that_answer(variants, rounds, find, session.say)
    session.keep(*with_figures(session.rows().values(), step, figures))
    session.say(f"{step}: {len(figures)} measured in turn")


def how(session: Session, step: str) -> tuple[int, Callable[[Variant], float]]:
    """How often each is measured, and by what."""
    options, log = session.options, session.log
    few = max(1, options.rounds // 2)
    if step == "requests":
        return few, lambda each: requests_per_second(each, options.port, log, options.seconds)
    if step == "memory":
        return few, lambda each: memory(each, options.port, log, WORKERS)
    return options.rounds, lambda each: start(each, options.port, log)


def as_processes(session: Session, ways: Sequence[Way]) -> list[Variant]:
    """Those that give the right answer in their own root."""
    found = []
    for way in ways:
        root = session.shop.folder / session.one.name / "roots" / way.key
        variant = process(way.name, way.image, root, session.one.question)
        try:
            start(variant, session.options.port, session.log)
        except BenchError as error:
            session.keep(replace(session.rows()[way.name], failure=str(error)))
            session.say(f"{way.name}: {error}")
        else:
            found.append(variant)
    return found


def in_docker(session: Session, ways: Sequence[Way]) -> list[Variant]:
    """Those that give the right answer in a container, as strictly kept as they bear."""
    found = []
    for way in ways:
        policy, variant = strictest(way.name, way.image, session.one.question, session.options.port, session.log)
        session.keep(replace(session.rows()[way.name], policy=policy))
        if variant is not None:
            found.append(variant)
    return found


if __name__ == "__main__":
    sys.exit(main())
