"""The results of each step, for later steps and for the user."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

from pystatic_tasks.bom.components import BuiltWith
from pystatic_tasks.in_env.protocol import Component, ObservedAnswer, Part, Placed, TreeFile, Use
from pystatic_tasks.in_env.stamps import Stamp
from pystatic_tasks.oci.description import ImageDescription

Stamps = Mapping[str, Stamp]
PhaseName = Literal["container", "unpacking", "interpreter", "imports", "server"]


@dataclass(frozen=True, kw_only=True)
class Result:
    """The result of a step; `step` is its name."""

    step: ClassVar[str]


@dataclass(frozen=True, kw_only=True)
class Interpreter:
    """The Python that is frozen into the program.

    Attributes:
        libpython: The path of its shared library, or "".
        import_path: The folders that it imports from in the build environment.
    """

    version: str
    base_prefix: str
    libpython: str
    import_path: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class SystemCopy:
    """The files that an image may take from the system of the container in which its program was frozen.

    Attributes:
        folder: Copies of the files, each at its path in the container.
        packages: The packages that own some of the files, by these paths.
    """

    folder: Path
    packages: Mapping[str, Component]


@dataclass(frozen=True, kw_only=True)
class Frozen(Result):
    """A frozen program.

    Attributes:
        program: The self-extracting program, or the root folder of the tree.
        files: The files of a tree.
        interpreter: The Python that runs it.
        environment_python: The interpreter of the build environment.
        settings: The server's settings that are frozen in.
        ports: TCP ports that the server listens on.
        distributions: The packages in the build environment: versions by name.
        data: Data files that are included automatically: pairs (source, folder in the program).
        static_folders: Folders from which static files were collected.
        contents: The parts of the program, largest first.
        own_packages: Names of the project's top-level packages and modules.
        components: The components of its files.
        tools: Versions of the machine's own tools that made it, by name.
        libraries: Paths of shared libraries that the program was seen to open by name.
        system_files: Paths of system files that it was seen to read.
        answers: The answers of the plain program.
        errors: The errors that the plain program logged; see `LoggedError.text`.
        sources: Paths of files and folders that people may change, existing or not.
        uses: What it was seen to use.
        not_observed: Why its use was not observed completely; "" if it was.
        optional: Names of modules and folders that it can do without, whether or not they were omitted.
        placed: All its files, with their sizes.
        compressed_alone: Bytes of each component if it is compressed by itself; () if they were not estimated.
        imported_by: For each module, the names of the modules that import it; see `Analysed`.
        linked_by: For each shared library, by name, the paths of the files that are linked to it.
        system: Size and last change of the machine's files that it was made from.
        platform: Its OCI platform, such as "linux/amd64".
        system_copy: The system that it was frozen on; None for this machine's.
    """

    step: ClassVar[str] = "freeze"

    program: Path
    files: tuple[TreeFile, ...]
    interpreter: Interpreter
    environment_python: Path
    settings: Mapping[str, Any]
    ports: tuple[int, ...]
    distributions: Mapping[str, str]
    data: tuple[tuple[str, str], ...]
    contents: tuple[Part, ...]
    own_packages: tuple[str, ...]
    components: tuple[Component, ...]
    tools: Mapping[str, str]
    static_folders: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()
    system_files: tuple[str, ...] = ()
    answers: tuple[ObservedAnswer, ...] = ()
    errors: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    uses: tuple[Use, ...] = ()
    not_observed: str = ""
    optional: tuple[str, ...] = ()
    placed: tuple[Placed, ...] = ()
    compressed_alone: tuple[int, ...] = ()
    imported_by: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    linked_by: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    system: Stamps
    platform: str
    system_copy: SystemCopy | None = None


@dataclass(frozen=True, kw_only=True)
class Slimmed(Result):
    """What an image leaves out, as in pystatic.lock.

    Attributes:
        python: Major and minor version of the Python with which this was determined.
        left_out: Names by their top-level package, or by "standard library".
        kept: Names that were used but could have been left out, by the occasion of their first use.
    """

    step: ClassVar[str] = "slim"

    python: str
    left_out: Mapping[str, tuple[str, ...]]
    kept: Mapping[str, tuple[str, ...]]

    @property
    def names_left_out(self) -> frozenset[str]:
        return frozenset(name for names in self.left_out.values() for name in names)

    @property
    def names_kept(self) -> frozenset[str]:
        return frozenset(name for names in self.kept.values() for name in names)


@dataclass(frozen=True, kw_only=True)
class Packed(Result):
    """A static executable.

    Attributes:
        size_bytes: Its size.
        components: Its components beside the frozen program.
        system: Size and last change of the machine's files in it.
    """

    step: ClassVar[str] = "staticx"

    size_bytes: int
    components: tuple[Component, ...]
    system: Stamps


@dataclass(frozen=True, kw_only=True)
class Built(ImageDescription, Result):
    """An image.

    Attributes:
        built_with: What cannot be pinned, and the tools that made it.
        server_ports: TCP ports that the server listens on.
        components: The components of its files.
    """

    step: ClassVar[str] = "image"

    built_with: BuiltWith
    server_ports: tuple[int, ...]
    components: tuple[Component, ...]


@dataclass(frozen=True, kw_only=True)
class Check:
    """One line of the contract: its name, whether it passed, and what was seen."""

    name: str
    passed: bool
    seen: str


@dataclass(frozen=True, kw_only=True)
class RunReport:
    """One run of an image: its user, milliseconds to the first answer (None without one), and its checks."""

    user: str
    startup_ms: int | None
    checks: tuple[Check, ...]


@dataclass(frozen=True, kw_only=True)
class Smoked(Result):
    """The content of `smoke.json`; `schemas/smoke.schema.json` explains each field."""

    step: ClassVar[str] = "smoke"

    version: int
    name: str
    digest: str
    engine: str
    engine_version: str
    passed: bool
    checks: tuple[Check, ...]
    runs: tuple[RunReport, ...]
    unchecked: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Imported:
    """An imported module; times are in microseconds, see steps/import_times.py."""

    name: str
    self_us: int
    cumulative_us: int
    depth: int


@dataclass(frozen=True, kw_only=True)
class StartPhase:
    """One part of a start, with its duration in microseconds; see steps/start_phases.py."""

    name: PhaseName
    us: int


@dataclass(frozen=True, kw_only=True)
class Imports(Result):
    """The content of `imports.json`; `schemas/imports.schema.json` explains each field."""

    step: ClassVar[str] = "imports"

    version: int
    name: str
    digest: str
    engine: str
    first_answer_ms: int
    imports: tuple[Imported, ...]
    phases: tuple[StartPhase, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Pushed(Result):
    """The content of `push.json`; `schemas/push.schema.json` explains each field."""

    step: ClassVar[str] = "push"

    version: int
    name: str
    tags: tuple[str, ...]
    digest: str
    references: tuple[str, ...]
    bytes_sent: int
    blobs_sent: int
    blobs_there: int
    sbom: str | None


@dataclass(frozen=True, kw_only=True)
class PlatformImage:
    """The image of one platform in an index."""

    platform: str
    digest: str
    compressed_bytes: int
    sbom: str | None


@dataclass(frozen=True, kw_only=True)
class Indexed(Result):
    """The content of `index.json`; `schemas/index.schema.json` explains each field."""

    step: ClassVar[str] = "index"

    version: int
    name: str
    tags: tuple[str, ...]
    digest: str
    platforms: tuple[PlatformImage, ...]
    references: tuple[str, ...]
    bytes_sent: int
    blobs_sent: int
    blobs_there: int
