"""Checks shared libraries: those that the configuration names, and those that are missing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from pystatic_tasks.errors import ConfigError, PystaticError


def check_libraries(libraries: Sequence[str]) -> None:
    """Raises ConfigError if one of `staticx.libraries` does not exist."""
    for library in libraries:
        if not Path(library).is_absolute() or not Path(library).is_file():
            raise ConfigError(
                f'tool.pystatic-tasks.staticx.libraries names "{library}", which is not a file.',
                "Set the absolute path of a shared library on this machine.",
            )


def missing_libraries(kind: type[PystaticError], name: str, pairs: Iterable[tuple[str, str]]) -> PystaticError:
    """The error of this kind for missing libraries of the image `name`: pairs (file, library that it needs)."""
    return kind(
        f"This machine lacks libraries that {name} needs:",
        "Install them here, or leave out what needs them: freeze.excludes.",
        [f"{library}, needed by {file}" for file, library in pairs],
    )
