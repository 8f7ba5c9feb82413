"""Defines every question to the build environment and every answer; both sides import this module.

The exception is probe.py, which defines its own answer: it also runs on Pythons too old for this module.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

# An entry of PyInstaller's tables of contents: name in the program, source path, type code.
TocEntry = tuple[str, str, str]
# Source path, and the destination folder in the program.
DataFile = tuple[str, str]
# How a program is frozen: as PyInstaller's self-extracting archive, or as plain files.
Form = Literal["archive", "tree"]
PartKind = Literal["binary", "data", "bytecode"]
ComponentKind = Literal["project", "distribution", "bundled", "interpreter", "system", "file"]
# The SPDX value for a component that was searched completely and has no copyright notice.
NO_NOTICES = "NONE"


@dataclass(frozen=True, kw_only=True)
class Component:
    """A component that files of a program or an image came from.

    Attributes:
        kind: A "distribution" is a Python distribution, "bundled" something that a distribution declares to be built
            into it, "system" a package of the system, "file" a library that belongs to no package.
        type: As in a package URL, like namespace, name, version and qualifiers.
        licenses: All that apply, as the component names them: SPDX expressions, Debian's short names, or any names.
        supplier: Its distributor: "NAME <ADDRESS>" or one of the two, or "" if none is named.
        originator: Its author, in the same form, if known and different from the supplier.
        copyright: Its notices, one per line; `NO_NOTICES` if it has none, "" if its files could not be searched.
        sha256: Hash of its content, or ""; see docs/reference.md.
        cpe: Its name in NIST's vulnerability database, or "".
        requires: Names of the distributions that it needs.
        inside: Names of the distributions that it is built into.
        unread: Bills of materials that it contains and that could not be read.
        libraries: SHA-256 of the shared libraries that were taken from this machine, by name.
        files: Where its files are in the image; "!/" separates an archive from the path inside it.
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
        """Its SHA-256: its own, else that of its only library, else that of a list of its libraries as by sha256sum."""
        if self.sha256 or len(self.libraries) <= 1:
            return self.sha256 or next(iter(self.libraries.values()), "")
        lines = (f"{digest}  {name}\n" for name, digest in sorted(self.libraries.items()))
        return hashlib.sha256("".join(lines).encode()).hexdigest()

    @property
    def upstream(self) -> tuple[str, str]:
        """Name and version of the source package that a system package was built from."""
        name, _, version = self.qualifiers.get("upstream", self.name).partition("@")
        return name, version or self.version


@dataclass(frozen=True, kw_only=True)
class Part:
    """A part of a frozen program, with its size before compression, in bytes."""

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
    """A file of a program, with its location in the image in the form of `Component.files`.

    Attributes:
        size_bytes: Before compression; 0 for links.
        layer: The layer of a file of a tree; "" in an archive.
        path: From the tree's root, with a leading "/"; "" in an archive.
    """

    location: str
    size_bytes: int
    layer: str = ""
    path: str = ""


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """Why a question was refused: one sentence on the problem, what to do, and lines to show between them."""

    problem: str
    remedy: str = ""
    details: tuple[str, ...] = ()


class RefusedError(Exception):
    """A refusal; raised while a question is answered, and again on the side that asked."""

    def __init__(self, problem: str, remedy: str = "", details: Iterable[str] = ()) -> None:
        super().__init__(problem)
        self.refusal = Refusal(problem=problem, remedy=remedy, details=tuple(details))


@dataclass(frozen=True, kw_only=True)
class BuildSystem:
    """wheel.py: the project to build a wheel of, and its build system (PEP 517).

    Attributes:
        project: The project's folder.
        backend: The backend object, as named by [build-system] in its pyproject.toml.
        requires: The requirements that the build system was installed from.
        folder: Where the build system is installed.
        wheels: The folder for the wheel.
    """

    project: str
    backend: str
    requires: tuple[str, ...]
    folder: str
    wheels: str


@dataclass(frozen=True, kw_only=True)
class Wheel:
    """The answer: the file name, or "" if the backend needs more than `requires`."""

    name: str


@dataclass(frozen=True, kw_only=True)
class ToolNames:
    """tools.py: names of the build tools; the answer adds the distributions that only they need.

    Attributes:
        names: Tools of the build.
        of_groups: What dependency groups name; in the answer, all that is installed only because of these groups.
        asked: Requirements that are the program's by name, each without anything but its extras; not in the answer.
    """

    names: tuple[str, ...]
    of_groups: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Target:
    """examine/target.py: the target to import as the server will, and its configuration.

    Attributes:
        app: The application; "" for a script or a command.
        server: The kind of server.
        settings: The server's settings, by the server's own names.
        server_config: Module of further settings, or "".
        import_paths: Folders to import from.
        loose: Those import paths with code of the project that is not installed.
        static: Folder to collect static files into.
        hidden_imports: Modules named in the configuration.
        collect: Packages that the configuration includes whole.
        metadata: Distributions whose metadata the configuration includes.
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
    """What the freeze has to know of the target.

    Attributes:
        settings: The server's settings to freeze in.
        read: Files and folders outside Python and the environment that the target accessed while it was imported,
            whether or not they exist.
        hidden_imports: Modules that are imported only by name.
        data: Data files that the program needs.
        ports: Ports that the server listens on.
        tool_modules: Modules of build tools only.
        unused: Parts that the program does not use; each has hooks in a folder "without-…".
        distributions: Versions of the installed distributions, by name.
        commands: What the installed console scripts call, by the script's name; without those of tools.
        changed: Paths of files and folders that the import created, renamed or wrote.
        static_folders: Folders from which static files were collected.
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
    static_folders: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class HttpRequest:
    """One request that is sent to the program while it is observed."""

    path: str
    method: str
    headers: Mapping[str, str]
    body: str | None


@dataclass(frozen=True, kw_only=True)
class Exercise:
    """observe/exercise.py: how to run the program with plain Python, and what to do with it.

    Attributes:
        arguments: Arguments for Python.
        environment: All environment variables of the program.
        folder: Working directory of the program.
        records: Folder for the recorder's files.
        log: File for the program's output.
        port: TCP port that the program listens on; 0 for a program without HTTP.
        requests: Requests to send there, in order.
        timeout: Seconds until the first answer, for each answer, or until the program ends.
        text: What a program without HTTP prints, or None.
        exit_code: Expected exit code of a program without HTTP.
        long_running: Whether it runs until it is stopped.
        further: A command that exercises the program as well, while it runs if it serves; () for none.
        further_folder: Working directory of that command.
        module: Module that contains the target, "" for a script.
        loose: Folders with code of the project that is not installed.
        built: Folder of build output, which is neither code nor data of the project.
        tools: Names of the distributions that are only tools.
        of_groups: Names of the distributions that only dependency groups require.
        server: Distribution whose modules are known without observation, or "".
        collected: Folder of the static files collected for the program, and the path below site-packages where the
            program looks for them; () for none.
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
    """The answer to a request.

    Attributes:
        request: Method and path.
        status: HTTP status; 0 for no answer.
        type: Media type of the body.
        words: Those words of a text that were the same when the request was repeated.
        files: Paths of files that the program read for the first time during the request.
        parts: The paths of what a browser loads with a page, each with its status; only what was requested.
    """

    request: str
    status: int
    type: str
    words: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    parts: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Use:
    """What a program used for the first time on one occasion.

    Attributes:
        occasion: "start"; a request, by method and path; "parts of" it, when what a page loads is requested;
            "once more", when all requests are repeated; the command of `observe.command`; "end".
        modules: Names of the modules that it loaded.
        data: Folders that it listed or read files of; paths relative to the folder that modules are imported from.
    """

    occasion: str
    modules: tuple[str, ...]
    data: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Observed:
    """What the program needed when it was observed, in addition to what an analysis of its code finds; sorted.

    Attributes:
        modules: Modules of the project and its dependencies, and modules of the standard library imported by name.
        data: Data files, with the other data in their folders.
        import_paths: Folders that the program itself added to its import path.
        libraries: Paths of shared libraries of the system that no other file links to.
        system_files: Paths of files of the system's packages, each with the name of its package.
        read: Paths outside Python and the environment that it accessed, existing or not, except those that it changed
            itself.
        programs: Names of programs that it started.
        answers: Its answers.
        uses: What it used, in order.
        of_tests: Top-level names of packages, modules and metadata that only its tests need.
        log: Its log, without the part from repeated requests.
        problem: Why observation is incomplete, in one line; "" if it is complete.
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
    """Facts about a program that only the caller knows.

    Attributes:
        project: The project's component, which gets all files that belong to no other.
        runner: The component of the runner that is frozen in.
        folder: The project's folder.
    """

    project: Component
    runner: Component
    folder: str


@dataclass(frozen=True, kw_only=True)
class Program:
    """freeze/program.py: the program to freeze.

    Attributes:
        is_packed: Whether it is packed into one file afterwards.
        work: Work folder of this program.
        kept: Folder of what is kept from build to build.
        entry: The entry script.
        is_script: Whether the entry script is the target itself, not a generated one that calls it.
        title: Its name in tracebacks, in a tree.
        import_paths: Folders to import from.
        collect: Packages to include whole.
        hooks: Folders of PyInstaller hooks.
        libraries: Paths of shared libraries that are opened only by name.
        left_out: Names of modules and data folders to leave out; see slim.py.
        tls: Whether it can use TLS.
        loose: Files of the project that are imported from the project's folder.
        editable: A hash of editable installs.
        made_by: Hashes of everything that decides how a program is built.
        optimize: Optimization level.
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
    """A frozen program.

    Attributes:
        sources: The files that it was made from.
        looked_for: Where the loader looked for libraries by the search paths of the project's extension modules.
        data: Those of `sources` that are data, each with its folder in the program.
        missing: Pairs (file, needed library) where the library is not on this machine.
        files: The files of a tree, sorted by path.
        contents: Its parts, the largest first.
        components: Its components.
        tools: Versions of the machine's own tools that change binaries.
        own_packages: Top-level packages and modules of the project.
        optional: Names of what may be left out, whether or not it was; see slim.py.
        placed: All its files, sorted by path or in the order of the archive.
        imported_by: See `Analysed`.
        linked_by: For each shared library of a tree, by file name, the paths of the files that link to it.
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
    looked_for: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class AnalysisInputs:
    """freeze/analysis.py: the inputs of PyInstaller's analysis, under its own names."""

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
class Lookup:
    """Modules that PyInstaller's analysis looked for in the same folders, and where it found them; "" for nowhere."""

    folders: tuple[str, ...]
    places: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Analysed:
    """PyInstaller's tables of contents.

    `loose` are the modules that are not in `pure` because their bytecode is in `datas`.
    `imported_by` maps each module to the modules that import it; "" is the entry script, which also stands for
    hidden imports.
    `searched` are modules whose importers were searched for more than imports, by PyInstaller or its hooks.
    `hooked` are the modules for which a hook was run.
    `lookups` are all modules that were looked for in folders.
    """

    scripts: tuple[TocEntry, ...]
    pure: tuple[TocEntry, ...]
    loose: tuple[TocEntry, ...]
    binaries: tuple[TocEntry, ...]
    datas: tuple[TocEntry, ...]
    imported_by: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    searched: tuple[str, ...] = ()
    hooked: tuple[str, ...] = ()
    lookups: tuple[Lookup, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Compilation:
    """freeze/bytecode.py: the modules to compile.

    Attributes:
        modules: Modules that are separate files.
        base: Modules that Python starts with, for one archive; () for none.
        made: The output folder.
        optimize: Optimization level.
        documented: Names of the modules that keep their docstrings.
    """

    modules: tuple[TocEntry, ...]
    base: tuple[TocEntry, ...]
    made: str
    optimize: int
    documented: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class StaticxQuestion:
    """pack/staticx.py: the frozen program to pack into one static executable.

    Attributes:
        program: Its path.
        output: Path of the executable.
        libraries: Paths of shared libraries that are opened only by name.
        strip: Whether to remove symbols.
        own_packages: See `FrozenProgram`.
        kept: Folder of compressed blocks from earlier builds.
    """

    program: str
    output: str
    libraries: tuple[str, ...]
    strip: bool
    own_packages: tuple[str, ...]
    kept: str


@dataclass(frozen=True, kw_only=True)
class LauncherQuestion:
    """pack/launcher.py: the program, as plain files, to pack into one static executable.

    Attributes:
        name: Name of the program.
        program: The root folder of its files.
        output: Path of the executable.
        machine: The machine that it runs on, as `platform.machine` names it.
        launcher: Folder with the launchers, the filters, and the script that a launcher starts.
        options: Options for the interpreter.
        optimize: Optimization level for that script.
        has_health_check: Whether it supports `--healthcheck`.
        own_files: Paths of the project's own files below the root folder; they change more often than the others.
        kept: Folder of compressed data from earlier builds.
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
    """What the executable contains in addition to the program; if libraries are missing, there is no executable.

    Attributes:
        missing: Pairs (file, needed library) where the library is not on this machine.
        components: What was added.
        system: Those added files that were taken from this machine.
    """

    missing: tuple[tuple[str, str], ...] = ()
    components: tuple[Component, ...] = ()
    system: tuple[str, ...] = ()
