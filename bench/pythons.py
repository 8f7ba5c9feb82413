"""`python -m bench.pythons`: the sample app, built and smoked in both layouts with every Python that people have."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import tomlkit

from bench.build import APP, NOT_COPIED, NOXFILE, REPOSITORY, inherited, run_as_one
from bench.python_builds import lay_into_usr_local, link_statically
from bench.python_roots import DEBIAN, enter, make_root
from bench.server import BenchError
from bench.stranger import read_tables
from bench.strangers import ABORTED, deciding, read, write, write_table

PYTHONS = Path(__file__).with_name("pythons.toml")
RESULTS = REPOSITORY / "build/pythons.json"
ROOTS = REPOSITORY / "build/pythons"
PAGE = REPOSITORY / "docs/pythons.md"
BEGIN = "<!-- pythons: written by nox -s pythons -->\n"
LAYOUTS = ("onefile", "tree")
NAME = "sample-app"
# Where a folder of this machine is seen in another system.
THERE = Path("/bench")
PROJECT = {
    "name": NAME,
    "app": APP,
    "install": ["./sample_app"],
    "server": {"workers": 4},
    "smoke": {"requests": [{"path": "/?min=6&max=6", "json": {"number": 6, "min": 6, "max": 6}}]},
}


@dataclass(frozen=True, kw_only=True)
class Python:
    """A Python, and how it is had; see pythons.toml."""

    name: str
    source: str
    python: str
    suite: str = ""
    mirror: str = DEBIAN
    packages: Sequence[str] = ()
    prefix: str = ""
    is_static: bool = False
    remarks: str = ""


@dataclass(frozen=True, kw_only=True)
class Tried:
    """What came of a Python.

    Attributes:
        version: Its version.
        day: When that was.
        size_bytes: On disk, of the image in each layout that works.
        messages: Where one does not, what was said.
    """

    version: str
    day: str
    size_bytes: Mapping[str, int]
    messages: Mapping[str, str]


def main() -> int:
    options = parse()
    every = read_pythons()
    chosen = [one for one in every if not options.only or one.name in options.only]
    tried = read_tried(options.results)
    for one in chosen:
        try:
            tried[one.name] = build(one, options.roots, [options.layout] if options.layout else LAYOUTS)
        except BenchError as error:
            print(f"{one.name}: not tried: {error}", file=sys.stderr, flush=True)
            continue
        said = tried[one.name]
        print(f"{one.name}: {said.version} {dict(said.size_bytes)} {dict(said.messages)}", file=sys.stderr, flush=True)
        write(options.results, {name: asdict(each) for name, each in tried.items()})
    there = [one for one in every if one.name in tried]
    print(table(there, tried), end="")
    if there == every:
        write_table(PAGE, table(every, tried), BEGIN)
    return 1 if any(tried[one.name].messages for one in chosen if one.name in tried) else 0


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.pythons", description=__doc__)
    parser.add_argument("--only", nargs="+", metavar="NAME", default=[], help="these of them")
    parser.add_argument("--layout", choices=LAYOUTS, help="this layout only")
    parser.add_argument("--roots", type=Path, default=ROOTS, help="folder for other systems, which stay there")
    parser.add_argument("--results", type=Path, default=RESULTS, help="file for the raw results")
    return parser.parse_args()


def read_pythons(path: Path = PYTHONS) -> list[Python]:
    """All of them, in the order of the file."""
    return [Python(**table) for table in read_tables(path)["python"]]


def read_tried(path: Path) -> dict[str, Tried]:
    """What other runs found."""
    return {name: Tried(**each) for name, each in read(path).items()}


def build(one: Python, roots: Path, layouts: Sequence[str]) -> Tried:
    """Build and smoke the sample app with it in each layout, in a folder that is removed afterwards.

    Raises:
        BenchError: it is not to be had here.
    """
    with tempfile.TemporaryDirectory(prefix="pystatic-python-") as temporary:
        folder = Path(temporary)
        lay_out(folder / "project")
        root = Path("/")
        if one.suite:
            root = roots / one.suite
            make_root(root, one.suite, one.mirror, one.packages)
            install_nox(root, folder)
            if one.prefix:
                lay_into_usr_local(last_of(Path("/"), one.prefix), root)
        python = f"/{last_of(root, one.python).relative_to(root)}"
        if one.is_static:
            python = str(link_statically(Path(python), folder / "static"))
        sizes, messages = {}, {}
        for layout in layouts:
            code, printed = smoke(root, folder, python, layout)
            image = read(folder / "project/dist/pystatic" / NAME / "image.json")
            if code:
                messages[layout] = why(printed)
            else:
                sizes[layout] = image["size_bytes"]
        version = read_version(root, folder, python)
        return Tried(version=version, day=date.today().isoformat(), size_bytes=sizes, messages=messages)


def last_of(root: Path, pattern: str) -> Path:
    """The last path of a pattern in the system whose root that is; BenchError if there is none."""
    found = sorted(root.glob(str(Path(pattern).expanduser()).lstrip("/")))
    if not found:
        raise BenchError(f"there is no {pattern}")
    return found[-1]


def lay_out(project: Path) -> None:
    """The sample app with its configuration and a noxfile."""
    project.mkdir()
    (project / "noxfile.py").write_text(NOXFILE, encoding="utf-8")
    (project / "pyproject.toml").write_text(tomlkit.dumps({"tool": {"pystatic-tasks": PROJECT}}), encoding="utf-8")
    shutil.copytree(REPOSITORY / "sample_app", project / "sample_app", ignore=NOT_COPIED)


def install_nox(root: Path, folder: Path) -> None:
    """Install Nox and this package for the default Python of another system; BenchError if that fails."""
    wheels = folder / "wheels"
    command = [sys.executable, "-m", "uv", "build", "--quiet", "--wheel", "--out-dir", str(wheels), str(REPOSITORY)]
    subprocess.run(command, env=inherited(), check=True)
    [wheel] = [path.name for path in wheels.glob("*.whl")]
    script = f"""
        [ -d /nox ] || python3 -m venv /nox
        /nox/bin/pip install --quiet nox {THERE}/wheels/{wheel}
        /nox/bin/pip install --quiet --no-deps --force-reinstall {THERE}/wheels/{wheel}
    """
    code, printed = enter(root, folder, ["sh", "-ec", script], {})
    if code:
        raise BenchError(f"Nox cannot be installed in {root}:\n{printed[-2000:]}")


def smoke(root: Path, folder: Path, python: str, layout: str) -> tuple[int, str]:
    """Exit code and output of a build in one layout."""
    words = ["-s", "smoke", "--", "--layout", layout, "--engine", "sandbox"]
    variables = {"PYSTATIC_TASKS_PYTHON": python, "NO_COLOR": "1"}
    if root != Path("/"):
        script = 'cd "$0" && exec "$@"'
        command = ["sh", "-c", script, f"{THERE}/project", "/nox/bin/nox", "-db", "virtualenv", *words]
        return enter(root, folder, command, variables)
    command = [sys.executable, "-m", "nox", "-db", "uv", *words]
    result = run_as_one(command, {**inherited(), **variables}, cwd=folder / "project")
    return result.returncode, result.stdout


def why(printed: str) -> str:
    """What decided that a build failed: the error of a session, or what pip said last of its own."""
    message = deciding(printed)
    own = [line for line in printed.splitlines() if line.startswith("ERROR: ")]
    return own[-1] if own and f"{ABORTED}Prerequisite" in message else message


def read_version(root: Path, folder: Path, python: str) -> str:
    command = [python, "-c", "import platform; print(platform.python_version())"]
    if root != Path("/"):
        return enter(root, folder, command, {})[1].strip()
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def table(pythons: Sequence[Python], tried: Mapping[str, Tried]) -> str:
    """Markdown: a line for each."""
    return "".join(f"{line}\n" for line in rows(pythons, tried))


def rows(pythons: Sequence[Python], tried: Mapping[str, Tried]) -> Iterator[str]:
    yield "| Python | version | source | one file, MB | tree, MB | tried | |"
    yield "|---|---|---|---|---|---|---|"
    for one in pythons:
        seen = tried[one.name]
        sizes = [f"{seen.size_bytes[layout] / 1e6:.2f}" if layout in seen.size_bytes else "" for layout in LAYOUTS]
        cells = [one.name, seen.version, one.source, *sizes, seen.day, remark(one, seen)]
        yield f"| {' | '.join(cells)} |"


def remark(one: Python, seen: Tried) -> str:
    """What is to be known of it: why it does not work, or what its entry says."""
    messages = dict.fromkeys(message.partition("\n")[0] for message in seen.messages.values())
    return "; ".join([*messages, *([one.remarks] if one.remarks else [])]).replace("|", "\\|")


if __name__ == "__main__":
    sys.exit(main())
