"""Runs a test suite by the interpreter of a program, with pytest and the tests from beside it.

    python -IS suite_run.py RESULTS PROGRAM LIBRARIES TOOLS OWN [arguments of pytest]

Imports nothing that a program may lack, before `Outside` is there.
The program's code gets what the program has. The tests, and pytest, also get what it lacks of the standard library and
all of pytest: see `Outside`. With an empty PROGRAM, an ordinary Python runs them.
"""

import builtins
import importlib
import importlib.util
import os
import sys
from importlib.machinery import PathFinder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from importlib.machinery import ModuleSpec
    from types import FrameType
    from typing import Any

NOWHERE = "/nowhere"
# What a slim program has, to say why something is missing.
EXPLAINING = "pystatic_left_out"
# Codecs are imported for whoever asks for them first, and are there for everybody then.
IMPORT_SYSTEM = ("importlib", "_frozen_importlib", "_frozen_importlib_external", "pkgutil", "encodings", __name__)


class Outside:
    """Finds what a program lacks, for all but the program.

    Attributes:
        program: Its root folder.
        libraries: Folders of a whole standard library.
        tools: Folder with pytest and what the tests need beside it.
        own: Top-level names that only the program has, be they left out of it or not.
        lent: Names of what was found here and the program does not have.
    """

    def __init__(self, program: str, libraries: "Sequence[str]", tools: str, own: "Iterable[str]") -> None:
        self.program = f"{program}/"
        self.libraries = libraries
        self.tools = tools
        self.own = frozenset(own)
        self.lent: set[str] = set()

    def is_program(self, names: "Mapping[str, Any]") -> bool:
        """Whether these are the globals of code of the program."""
        return str(names.get("__file__")).startswith(self.program)

    def find_spec(self, name: str, path: object = None, target: object = None) -> "ModuleSpec | None":
        importer = who_imports(sys._getframe(1))
        if self.is_program(importer):
            return None
        package, _, _ = name.rpartition(".")
        folders = self.folders(name.partition(".")[0], str(importer.get("__file__")))
        spec = PathFinder.find_spec(name, [os.path.join(each, *package.split(".")) for each in folders])
        if spec is not None:
            self.lent.add(name)
        return spec

    def folders(self, top: str, importer: str) -> "Sequence[str]":
        if top in sys.stdlib_module_names:
            return self.libraries
        # pytest may need what the program has too.
        return [] if top in self.own and not importer.startswith(f"{self.tools}/") else [self.tools]

    def find_distributions(self, context: "Any") -> "Iterable[Any]":
        """Metadata of the tools, by which pytest finds plugins."""
        from importlib.metadata import DistributionFinder, MetadataPathFinder

        return MetadataPathFinder.find_distributions(DistributionFinder.Context(name=context.name, path=[self.tools]))

    def refuse(self, importer: "Mapping[str, Any]", name: str, wanted: "Iterable[str]" = ()) -> None:
        """Raises ModuleNotFoundError if code of the program imports what only the others have."""
        if self.lent and self.is_program(importer):
            parts = name.split(".")
            names = [*(".".join(parts[:count]) for count in range(1, len(parts) + 1)), *(f"{name}.{x}" for x in wanted)]
            for each in names:
                if each in self.lent:
                    raise ModuleNotFoundError(f"No module named {each!r}: only the tests have it")

    def guard(self) -> None:
        """Keep the program from what was lent to others."""
        import_statement, import_module = builtins.__import__, importlib.import_module

        def guarded_statement(
            name: str, globals: "Any" = None, locals: "Any" = None, fromlist: "Any" = (), level: int = 0
        ) -> "Any":
            package = (globals or {}).get("__package__") or (globals or {}).get("__name__", "")
            absolute = importlib.util.resolve_name("." * level + name, package) if level else name
            self.refuse(who_imports(sys._getframe(1)), absolute, fromlist or ())
            return import_statement(name, globals, locals, fromlist, level)

        def guarded_function(name: str, package: str | None = None) -> "Any":
            absolute = importlib.util.resolve_name(name, package)
            self.refuse(who_imports(sys._getframe(1)), absolute)
            return import_module(name, package)

        builtins.__import__ = guarded_statement
        importlib.import_module = guarded_function


def who_imports(frame: "FrameType | None") -> "Mapping[str, Any]":
    """The globals of the code for which a module is imported."""
    while frame and frame.f_globals.get("__name__", "").partition(".")[0] in IMPORT_SYSTEM:
        frame = frame.f_back
    return frame.f_globals if frame else {}


class Results:
    """A plugin of pytest that writes a line for each test and each file: how it went, its name, what was wrong."""

    def __init__(self, path: str) -> None:
        self.file = open(path, "w", encoding="utf-8")  # noqa: SIM115
        self.phases = {}  # type: dict[str, list[Any]]

    def pytest_collectreport(self, report: "Any") -> None:
        if report.failed:
            self.write("failed", report)

    def pytest_runtest_logreport(self, report: "Any") -> None:
        phases = self.phases.setdefault(report.nodeid, [])
        phases.append(report)
        if report.when == "teardown":
            failed = [each for each in phases if each.failed]
            passed = all(each.passed and not hasattr(each, "wasxfail") for each in phases)
            self.write("failed" if failed else "passed" if passed else "skipped", (failed or [report])[0])
            del self.phases[report.nodeid]

    def write(self, outcome: str, report: "Any") -> None:
        reason = why(report.longrepr) if outcome == "failed" else ""
        self.file.write("\t".join([outcome, report.nodeid, ascii(reason)]) + "\n")
        self.file.flush()


def why(longrepr: "Any") -> str:
    """The first line of an error's message; of a file that could not be imported, the last that is marked as such."""
    crash = getattr(longrepr, "reprcrash", None)
    if crash:
        return str(crash.message.partition("\n")[0])
    lines = str(longrepr).strip().splitlines()
    marked = [line[1:].strip() for line in lines if line.startswith("E ")]
    return (marked or lines or [""])[-1]


def main() -> int:
    results, program, libraries, tools, own, *arguments = sys.argv[1:]
    outside = Outside(program or NOWHERE, libraries.split(":"), tools, own.split(":"))
    if program:
        sys.path.append(os.path.join(os.path.dirname(os.__file__), "site-packages"))
        sys.meta_path.append(outside)
        if PathFinder.find_spec(EXPLAINING):
            importlib.import_module(EXPLAINING)
    # Some tests count the frames of a traceback; these are the same everywhere.
    outside.guard()
    sys.path.insert(0, os.getcwd())
    import pytest

    return int(pytest.main(arguments, plugins=[Results(results)]))


if __name__ == "__main__":
    sys.exit(main())
