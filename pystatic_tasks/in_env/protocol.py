"""Every question that is asked in the build environment, and every answer: imported by both sides.

Only probe.py has its answer itself, since it also runs on Pythons that are too old for this module.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

# An entry of PyInstaller's tables of contents: name in the program, source path, type code.
TocEntry = tuple[str, str, str]
# Source path, and the folder in the program where it lies.
DataFile = tuple[str, str]
# How a program is frozen: as PyInstaller's self-extracting archive, or as plain files.
Form = Literal["archive", "tree"]
PartKind = Literal["binary", "data", "bytecode"]
ComponentKind = Literal["project", "distribution", "bundled", "interpreter", "system", "file"]
# What SPDX says of a component of which all was looked at, and that has no notice of copyright.
NO_NOTICES = "NONE"


@dataclass(frozen=True, kw_only=True)
class Component:
    """One thing that files of a program or an image came from.

    Attributes:
        kind: A "distribution" is one of Python, "bundled" what one says is built into it, "system" a package of the
            system, "file" a library of no package.
        type: As package URLs have it, as are namespace, name, version and qualifiers.
        licenses: All that hold, as the component calls them: SPDX expressions, Debian's short names, or any names.
        supplier: Who distributes it, "NAME <ADDRESS>" or either of them, or "" where nobody is named.
        originator: Who made it, in the same form, where that is somebody else and known.
        copyright: Its notices, one a line; `NO_NOTICES` where it has none, "" where nobody could look.
        sha256: Of what it brought, or ""; see docs/reference.md.
        cpe: Its name in the vulnerability database of NIST, or "".
        requires: Names of the distributions that it needs.
        inside: Names of the distributions that it is built into.
        unread: Bills of materials that it brought and that could not be read.
        libraries: SHA-256 of the shared libraries that were taken from this machine, by name.
        files: Where its files are in the image; "!/" leads into an archive.
    """

    kind: ComponentKind
    type: str
    name: str
    namespace: str = ""
    version: str = ""
    qualifiers: Mapping[str, str] = field(default_factory=dict)
    licenses: tuple[str, ...] = ()
    supplier: str = ""
    originator: str = ""
    copyright: str = ""
    sha256: str = ""
    cpe: str = ""
    requires: tuple[str, ...] = ()
    inside: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    libraries: Mapping[str, str] = field(default_factory=dict)
    files: tuple[str, ...] = ()

    @property
    def identity(self) -> tuple[str, ...]:
        return (self.type, self.namespace, self.name, self.version, *(f"{k}={v}" for k, v in self.qualifiers.items()))

    @property
    def hash(self) -> str:
        """Its own SHA-256; of a package the one of its only library, or of the list of them as sha256sum writes it."""
        if self.sha256 or len(self.libraries) <= 1:
            return self.sha256 or next(iter(self.libraries.values()), "")
        lines = (f"{digest}  {name}\n" for name, digest in sorted(self.libraries.items()))
        return hashlib.sha256("".join(lines).encode()).hexdigest()

    @property
    def upstream(self) -> tuple[str, str]:
        """Name and version of the source that a system's package was made of."""
        name, _, version = self.qualifiers.get("upstream", self.name).partition("@")
        return name, version or self.version


@dataclass(frozen=True, kw_only=True)
class Part:
    """A part of a frozen program: its size is that before compression, in bytes."""

    name: str
    kind: PartKind
    size_bytes: int


@dataclass(frozen=True, kw_only=True)
class TreeFile:
    """A file of a tree: its path from the tree's root, with a leading "/", and the layer that it belongs to."""

    path: str
    owner: str


@dataclass(frozen=True, kw_only=True)
class Placed:
    """A file of a program: where it lies in the image, as `Component.files` has it.

    Attributes:
        size_bytes: Before compression; 0 for links.
        layer: What it would be in, or is in, as a file of a tree; "" in an archive.
        path: From the tree's root, with a leading "/"; "" in an archive.
    """

    location: str
    size_bytes: int
    layer: str = ""
    path: str = ""


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """Why there is no other answer: one sentence, what to do, and lines to show between them."""

    problem: str
    remedy: str = ""
    details: tuple[str, ...] = ()


class RefusedError(Exception):
    """Raised where a question is answered, and again where it was asked."""

    def __init__(self, problem: str, remedy: str = "", details: Iterable[str] = ()) -> None:
        super().__init__(problem)
        self.refusal = Refusal(problem=problem, remedy=remedy, details=tuple(details))


@dataclass(frozen=True, kw_only=True)
class BuildSystem:
    """wheel.py: what a wheel is made of, and with (PEP 517).

    Attributes:
        project: The folder of the project.
        backend: The object that builds it, as [build-system] in its pyproject.toml names it.
        requires: What the build system was installed from.
        folder: Where that is.
        wheels: Where the wheel is put.
    """

    project: str
    backend: str
    requires: tuple[str, ...]
    folder: str
    wheels: str


@dataclass(frozen=True, kw_only=True)
class Wheel:
    """The answer: the name of the file, or "" if the backend wants more than it `requires`."""

    name: str


@dataclass(frozen=True, kw_only=True)
class ToolNames:
    """tools.py: names of what was installed to build with; the answer has those that only it needs, too.

    Attributes:
        names: Tools of the build.
        of_groups: What dependency groups name; in the answer, all that is there for the sake of these only.
    """

    names: tuple[str, ...]
    of_groups: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Target:
    """examine/target.py: what is to be imported as the server will, and what the configuration says of it.

    Attributes:
        app: The application; "" if it is a script or a command.
        server: The kind of its server.
        settings: The server's settings, by its own names.
        server_config: Module of further settings, or "".
        import_paths: Folders to import from.
        loose: Those of them with code of the project that is not installed.
        static: Folder for static files that are collected.
        hidden_imports: Modules that the configuration names, as are the following two.
        collect: Packages to take whole.
        metadata: Distributions whose metadata is asked for.
        project: The project's folder.
        env: The image's environment variables.
        tools: Names of the distributions that are only tools.
        sources: Source files of the project.
    """

    app: str
    server: str
    settings: Mapping[str, Any]
    server_config: str
    import_paths: tuple[str, ...]
    loose: tuple[str, ...]
    static: str
    hidden_imports: tuple[str, ...]
    collect: tuple[str, ...]
    metadata: tuple[str, ...]
    project: str
    env: Mapping[str, str]
    tools: tuple[str, ...]
    sources: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Examined:
    """What follows from the target for the freeze.

    Attributes:
        settings: The server's settings to freeze in.
        read: Files and folders outside of Python and the environment that were asked for while the target was imported,
            whether or not they are there.
        hidden_imports: Modules that are found by name only.
        data: Data files that the program needs.
        ports: Those that the server listens on.
        tool_modules: Modules that are there to build with only.
        unused: Parts that the program has no use for; each has hooks in a folder "without-…".
        distributions: Versions of what is installed, by name.
        commands: What the console scripts call that are installed, those of tools left out, by name.
        changed: Paths of files and folders that were made, renamed or written meanwhile.
    """

    settings: Mapping[str, Any]
    read: tuple[str, ...]
    hidden_imports: tuple[str, ...]
    data: tuple[DataFile, ...]
    ports: tuple[int, ...]
    tool_modules: tuple[str, ...]
    unused: tuple[str, ...]
    distributions: Mapping[str, str]
    commands: Mapping[str, str]
    changed: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class HttpRequest:
    """One request that the program is asked while it is observed."""

    path: str
    method: str
    headers: Mapping[str, str]
    body: str | None


@dataclass(frozen=True, kw_only=True)
class Exercise:
    """observe/exercise.py: how the program is run as an ordinary Python, and what it is asked to do.

    Attributes:
        arguments: What Python is called with.
        environment: All environment variables of the program.
        folder: Where it runs.
        records: Folder for what is written down.
        log: File for its output.
        port: TCP port at which it is asked; 0 for a program without HTTP.
        requests: What it is asked there, in order.
        timeout: Seconds until the first answer, for each one, or until the program ends.
        text: What a program without HTTP prints, or None.
        exit_code: Code that a program without HTTP ends with.
        long_running: Whether it runs until it is told to stop.
        further: A command that exercises it too, while it runs if it serves; () for none.
        further_folder: Where that is run.
        module: Module that holds the target, "" for a script.
        loose: Folders with code of the project that is not installed.
        built: Folder of all that is built of it, which is neither code nor data of it.
        tools: Names of the distributions that are only tools.
        of_groups: Names of those that only dependency groups brought.
        server: Distribution whose modules are known without being observed, or "".
        collected: Folder of static files that were collected for the program, and where below the folder of packages
            the program looks for them; () for none.
    """

    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    folder: str
    records: str
    log: str
    port: int
    requests: tuple[HttpRequest, ...]
    timeout: float
    text: str | None
    exit_code: int
    long_running: bool
    further: tuple[str, ...]
    further_folder: str
    module: str
    loose: tuple[str, ...]
    built: str
    tools: tuple[str, ...]
    server: str
    of_groups: tuple[str, ...] = ()
    collected: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ObservedAnswer:
    """What a request was answered.

    Attributes:
        request: Method and path.
        status: 0 for no answer.
        type: That of the body.
        words: The words of a text that were the same when it was asked again.
        files: Paths of files that were read meanwhile, for the first time.
    """

    request: str
    status: int
    type: str
    words: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Use:
    """What a program was first seen to use on an occasion.

    Attributes:
        occasion: "start"; a request, by method and path; "once more", when all requests are asked again; what
            `observe.command` runs; "end".
        modules: Names of the modules that it loaded.
        data: Paths, from where modules are imported, of the folders whose files it read or whose names it listed.
    """

    occasion: str
    modules: tuple[str, ...]
    data: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Observed:
    """What the program was seen to need, sorted, beside what an analysis of its code finds.

    Attributes:
        modules: Modules of the project and its dependencies, and those of the standard library imported by name.
        data: Data files, with their neighbours.
        import_paths: Folders that the program itself added to those it imports from.
        libraries: Paths of shared libraries of the system that no other file asks for.
        system_files: Paths of files of the system's packages, each with the name of its package.
        read: Paths of files and folders outside of Python and the environment that it asked for, there or not, but for
            those that it changed itself.
        programs: Names of programs that it started.
        answers: What it answered.
        uses: What it used, in order.
        of_tests: Top-level names of packages, modules and metadata that only its tests need.
        log: What it logged, but for when requests were asked again.
        problem: Why not everything could be observed, in one line; "" if it could.
    """

    modules: tuple[str, ...] = ()
    data: tuple[DataFile, ...] = ()
    import_paths: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()
    system_files: tuple[tuple[str, str], ...] = ()
    read: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    answers: tuple[ObservedAnswer, ...] = ()
    uses: tuple[Use, ...] = ()
    of_tests: tuple[str, ...] = ()
    log: str = ""
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class Own:
    """What neither the machine nor the environment knows of a program.

    Attributes:
        project: The component that a file belongs to which nobody else brought.
        runner: That of the server that is frozen in.
        folder: The project's folder.
    """

    project: Component
    runner: Component
    folder: str


@dataclass(frozen=True, kw_only=True)
class Program:
    """freeze/program.py: what is to be frozen.

    Attributes:
        is_packed: Whether it is made into one file afterwards.
        work: Folder of what was written for this program.
        kept: Folder of what is kept from earlier times.
        entry: The entry script.
        is_script: Whether that is the target itself, and not written to call it.
        title: What tracebacks call it in a tree.
        import_paths: Folders to import from.
        collect: Packages to take whole.
        hooks: Folders of PyInstaller's hooks.
        libraries: Paths of shared libraries that are opened by name only.
        left_out: Names of modules and folders of data that the program does without; see slim.py.
        tls: Whether it can speak TLS.
        loose: Files of the project that are imported from where they are.
        editable: A hash of what is installed and imported from elsewhere.
        made_by: Hashes of what decides how a program is made.
        optimize: Level of optimization.
        strip: Whether to remove symbols from binaries.
    """

    name: str
    form: Form
    is_packed: bool
    work: str
    kept: str
    entry: str
    is_script: bool
    title: str
    import_paths: tuple[str, ...]
    hidden_imports: tuple[str, ...]
    excludes: tuple[str, ...]
    data: tuple[DataFile, ...]
    collect: tuple[str, ...]
    hooks: tuple[str, ...]
    libraries: tuple[str, ...]
    left_out: tuple[str, ...]
    tls: bool
    loose: tuple[str, ...]
    editable: str
    made_by: tuple[str, ...]
    own: Own
    optimize: int
    strip: bool


@dataclass(frozen=True, kw_only=True)
class FrozenProgram:
    """What was frozen.

    Attributes:
        sources: The files that it was made from.
        data: Those of them that are data, each with its folder in the program.
        missing: Pairs (file, library that it needs) of what is not on this machine.
        files: Those of a tree, sorted by path.
        contents: Its parts, the largest first.
        components: What it consists of.
        tools: What the machine's own tools that change binaries say of themselves.
        own_packages: Top-level packages and modules of the project.
        optional: Names of what it can do without, whether or not that was left out; see slim.py.
        placed: All its files, sorted by path or as the archive has them.
        imported_by: As `Analysed` has it.
        linked_by: For each shared library of a tree, by file name, the paths of the files that ask for it.
    """

    sources: tuple[str, ...]
    data: tuple[DataFile, ...]
    missing: tuple[tuple[str, str], ...]
    files: tuple[TreeFile, ...]
    contents: tuple[Part, ...]
    components: tuple[Component, ...]
    tools: Mapping[str, str]
    own_packages: tuple[str, ...]
    optional: tuple[str, ...]
    placed: tuple[Placed, ...] = ()
    imported_by: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    linked_by: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class AnalysisInputs:
    """freeze/analysis.py: what PyInstaller's analysis is asked with, which has these names for it."""

    entry: str
    import_paths: tuple[str, ...]
    binaries: tuple[DataFile, ...]
    datas: tuple[DataFile, ...]
    hidden_imports: tuple[str, ...]
    hooks: tuple[str, ...]
    excludes: tuple[str, ...]
    optimize: int
    form: Form


@dataclass(frozen=True, kw_only=True)
class Analysed:
    """PyInstaller's tables of contents.

    `loose` are the modules that are no part of `pure`, since their compiled form is part of `datas`.
    `imported_by` has for each module those that import it, by name; "" is the entry script, which also stands for
    whatever asked for a module by its name.
    """

    scripts: tuple[TocEntry, ...]
    pure: tuple[TocEntry, ...]
    loose: tuple[TocEntry, ...]
    binaries: tuple[TocEntry, ...]
    datas: tuple[TocEntry, ...]
    imported_by: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Compilation:
    """freeze/bytecode.py: the modules to be compiled anew.

    Attributes:
        modules: Those that lie as files of their own.
        base: Those that Python starts with, in one archive; () for none.
        made: Folder that all of them are in.
        optimize: Level of optimization.
        documented: Names of those that keep their docstrings.
    """

    modules: tuple[TocEntry, ...]
    base: tuple[TocEntry, ...]
    made: str
    optimize: int
    documented: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class StaticxQuestion:
    """pack/staticx.py: the frozen program to be made into one static executable.

    Attributes:
        program: Its path.
        output: Where the executable goes.
        libraries: Paths of shared libraries that are opened by name only.
        strip: Whether to remove symbols.
        own_packages: As `FrozenProgram` has them.
        kept: Folder of compressed blocks from earlier times.
    """

    program: str
    output: str
    libraries: tuple[str, ...]
    strip: bool
    own_packages: tuple[str, ...]
    kept: str


@dataclass(frozen=True, kw_only=True)
class LauncherQuestion:
    """pack/launcher.py: the program, as plain files, to be made into one static executable.

    Attributes:
        name: Of the program.
        program: The root folder of its files.
        output: Where the executable goes.
        machine: What it runs on, as `platform.machine` names it.
        launcher: Folder with the launchers, the filters, and the script that a launcher starts.
        options: What the interpreter is started with.
        optimize: Level of optimization for that script.
        has_health_check: Whether it answers `--healthcheck`.
        own_files: Paths below the root folder of the project's own files, which change more often than the others.
        kept: Folder of what was compressed at earlier times.
    """

    name: str
    program: str
    output: str
    machine: str
    launcher: str
    options: tuple[str, ...]
    optimize: int
    has_health_check: bool
    own_files: tuple[str, ...]
    kept: str


@dataclass(frozen=True, kw_only=True)
class StaticExecutable:
    """What the executable holds beside the program; nothing, and no executable, if libraries are missing.

    Attributes:
        missing: Pairs (file, library that it needs) of what is not on this machine.
        components: What was added.
        system: The files of this machine among that.
    """

    missing: tuple[tuple[str, str], ...] = ()
    components: tuple[Component, ...] = ()
    system: tuple[str, ...] = ()
