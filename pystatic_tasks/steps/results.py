"""What each step leaves, for those after it and for the user."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

from pystatic_tasks.bom.components import BuiltWith
from pystatic_tasks.in_env.protocol import Component, ObservedAnswer, Part, Placed, TreeFile, Use
from pystatic_tasks.oci.description import ImageDescription

Stamps = Mapping[str, tuple[int, int]]
PhaseName = Literal["container", "unpacking", "interpreter", "imports", "server"]


@dataclass(frozen=True, kw_only=True)
class Result:
    """What one step leaves; `step` is its name."""

    step: ClassVar[str]


@dataclass(frozen=True, kw_only=True)
class Interpreter:
    """The Python that is frozen into the program; `libpython` is the path of its shared library, or ""."""

    version: str
    base_prefix: str
    libpython: str


@dataclass(frozen=True, kw_only=True)
class SystemCopy:
    """What an image may take of the system of the container that its program was frozen in.

    Attributes:
        folder: Copies of its files, each below at the path that it has there.
        packages: Those that own some of them, by these paths.
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
        distributions: What is installed in the build environment: versions by name.
        data: Data files that go in by themselves: pairs (source, folder in the program).
        contents: What the program holds, the largest first.
        own_packages: Names of the project's top-level packages and modules.
        components: What its files came from.
        tools: Versions of the machine's own tools that made it, by name.
        libraries: Paths of shared libraries that the program was seen to open by name.
        system_files: Paths of files of the system that it was seen to read.
        answers: What the plain program answered.
        errors: The errors that it logged meanwhile; see `LoggedError.text`.
        sources: Paths of the files and folders of which people may change something, be they there or not.
        uses: What it was seen to use.
        not_observed: Why not everything was; "" if it was.
        optional: Names of what it can do without, whether or not that was left out.
        placed: All its files, with their sizes.
        compressed_alone: Bytes of each component when it is compressed by itself; () if nobody estimated that.
        imported_by: For each module those that import it, by name; see `Analysed`.
        linked_by: For each shared library, by name, the paths of the files that ask for it.
        system: Size and time of the last change of the machine's files that it was made from.
        platform: The OCI platform that it is of, such as "linux/amd64".
        system_copy: The system that it was frozen on; None if that is this machine's.
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
    """What an image leaves out, as pystatic.lock has it.

    Attributes:
        python: Major and minor version of the Python that it was found out with.
        left_out: Names by the top-level package that they are of, or by "standard library".
        kept: Names of what was used and could have been left out, by the occasion of its first use.
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
        components: What it holds beside the frozen program.
        system: Size and time of the last change of the machine's files among that.
    """

    step: ClassVar[str] = "staticx"

    size_bytes: int
    components: tuple[Component, ...]
    system: Stamps


@dataclass(frozen=True, kw_only=True)
class Built(ImageDescription, Result):
    """An image.

    Attributes:
        built_with: What cannot be pinned, and what made it.
        server_ports: TCP ports that the server listens on.
        components: What its files came from.
    """

    step: ClassVar[str] = "image"

    built_with: BuiltWith
    server_ports: tuple[int, ...]
    components: tuple[Component, ...]


@dataclass(frozen=True, kw_only=True)
class Check:
    """One line of the contract: what was looked at, whether it held, and what was seen."""

    name: str
    passed: bool
    seen: str


@dataclass(frozen=True, kw_only=True)
class RunReport:
    """One run of an image: as which user, milliseconds to the first answer if there was one, and what was seen."""

    user: str
    startup_ms: int | None
    checks: tuple[Check, ...]


@dataclass(frozen=True, kw_only=True)
class Smoked(Result):
    """What `smoke.json` says; `schemas/smoke.schema.json` says what each field means."""

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
    """A module that was imported; times in microseconds, see steps/import_times.py."""

    name: str
    self_us: int
    cumulative_us: int
    depth: int


@dataclass(frozen=True, kw_only=True)
class StartPhase:
    """One part of a start, and the microseconds that it took; see steps/start_phases.py."""

    name: PhaseName
    us: int


@dataclass(frozen=True, kw_only=True)
class Imports(Result):
    """What `imports.json` says; `schemas/imports.schema.json` says what each field means."""

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
    """What `push.json` says; `schemas/push.schema.json` says what each field means."""

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
    """What `index.json` says; `schemas/index.schema.json` says what each field means."""

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
