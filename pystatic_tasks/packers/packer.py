"""What every packer can do."""

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
        """The answer, or None if there is none; its output goes to the file `log`.

        Raises:
            RefusedError: the module says why it has no other answer.
        """


@dataclass(frozen=True, kw_only=True)
class Job:
    """What is to be packed.

    Attributes:
        program: The frozen program; the root folder of a tree.
        files: The files of a tree.
        output: The file to make.
        libraries: Paths of shared libraries that the program opens by name only.
        own_packages: Names of the project's top-level packages and modules.
        cache: Folder of what a packer keeps for its next run.
        tools: Folder of the tools in the build environment.
        ours: The component of what this package itself puts into an image.
        ask: Asks something there.
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
        components: What the added files came from.
        system: Paths of the machine's files among them.
    """

    components: tuple[Component, ...]
    system: tuple[str, ...]


class Packer(Protocol):
    """Makes one static file of a frozen program."""

    @property
    def requirements(self) -> tuple[str, ...]:
        """What is installed for it into the build environment, with versions that are known to work."""

    @property
    def has_wheels(self) -> bool:
        """Whether that is there for this machine without building it from source."""

    @property
    def takes(self) -> Form:
        """How the program is frozen that it packs."""

    def inputs(self, config: ImageConfig) -> Any:
        """What decides the file beside the frozen program, as JSON.

        Raises:
            ConfigError: something that the configuration names is not there.
        """

    def pack(self, config: ImageConfig, job: Job) -> Packing:
        """Make the file.

        Raises:
            StaticxError: it could not be made.
        """

    def findings(self) -> Iterable[Finding]:
        """What `pystatic check` says of what it needs on this platform and on no other; nothing if there is nothing."""

    @property
    def unpacked_into_tmp(self) -> str:
        """Paths in /tmp of what a start unpacks there, and its end removes: a regular expression, or ""."""

    @property
    def ended_by_term(self) -> str:
        """What is logged where TERM ended the program and the exit code does not tell: a regular expression, or ""."""

    @property
    def advice(self) -> tuple[tuple[str, str], ...]:
        """What to do where a container's log matches: pairs of a regular expression and whole sentences."""
