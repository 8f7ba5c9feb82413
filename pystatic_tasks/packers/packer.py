"""The interface of packers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from pystatic_tasks.config.model import ImageConfig
from pystatic_tasks.in_env.modules import Answer, Module, Question
from pystatic_tasks.in_env.protocol import Component, Form, TreeFile
from pystatic_tasks.system.findings import Finding


class Ask(Protocol):
    """Lets a module of `in_env` answer a question in the build environment."""

    def __call__(
        self, module: Module[Question, Answer], question: Question, *, log: Path, **options: Any
    ) -> Answer | None:
        """The answer, or None if there is none; the module's output goes to the file `log`.

        Raises:
            RefusedError: the module explains why it has no other answer.
        """


@dataclass(frozen=True, kw_only=True)
class Job:
    """What to pack.

    Attributes:
        program: The frozen program; for a tree, its root folder.
        files: The files of a tree.
        output: The file to make.
        libraries: Paths of shared libraries that the program opens only by name.
        own_packages: Names of the project's top-level packages and modules.
        cache: Folder for what the packer keeps for its next run.
        tools: Folder of the tools in the build environment.
        ours: The component for the files that this package itself adds to an image.
        ask: Asks a question in the build environment.
    """

    program: Path
    files: tuple[TreeFile, ...]
    output: Path
    libraries: tuple[str, ...]
    own_packages: tuple[str, ...]
    cache: Path
    tools: Path
    ours: Component
    ask: Ask


@dataclass(frozen=True, kw_only=True)
class Packing:
    """What a packer added to the program.

    Attributes:
        components: The components of the added files.
        system: Paths of those files that it took from this machine.
    """

    components: tuple[Component, ...]
    system: tuple[str, ...]


class Packer(Protocol):
    """Makes one static executable from a frozen program."""

    @property
    def requirements(self) -> tuple[str, ...]:
        """Its requirements in the build environment, with versions that are known to work."""

    @property
    def has_wheels(self) -> bool:
        """Whether these have wheels for this machine, so that nothing is built from source."""

    @property
    def takes(self) -> Form:
        """The form of frozen program that it packs."""

    def inputs(self, config: ImageConfig) -> Any:
        """What decides the executable's content beside the frozen program, as JSON.

        Raises:
            ConfigError: something that the configuration names does not exist.
        """

    def pack(self, config: ImageConfig, job: Job) -> Packing:
        """Make the file.

        Raises:
            StaticxError: it could not be made.
        """

    def findings(self) -> Iterable[Finding]:
        """What `pystatic check` reports about its requirements on this platform in particular."""

    @property
    def unpacked_into_tmp(self) -> str:
        """A regular expression for paths in /tmp that exist only while the program runs, which unpacks them; or ""."""

    @property
    def ended_by_term(self) -> str:
        """A regular expression for the log if SIGTERM ended the program but the exit code does not show it, or ""."""

    @property
    def advice(self) -> tuple[tuple[str, str], ...]:
        """Advice for messages in a container's log: pairs of a regular expression and whole sentences."""
