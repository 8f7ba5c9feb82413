"""Everything that can go wrong for a user, as one tree of exceptions.

Each error says in `problem` what is wrong and where, and in `remedy` what to do.
Its class defines the exit code.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass

from pystatic_tasks.system.redaction import masked

NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
MAKE_WRITABLE = "Make it writable: results go to dist/ and work files to build/ in the project's folder."


@dataclass(frozen=True, kw_only=True)
class Repair:
    """A change to the configuration: a key of a table, in TOML's spelling, and its whole new value."""

    table: str
    key: str
    value: tuple[str, ...] | bool

    @property
    def name(self) -> str:
        """The key with its table."""
        return f"{self.table}.{self.key}"

    @property
    def field(self) -> str:
        """The key as an attribute of the configuration."""
        return self.key.replace("-", "_")

    @property
    def toml(self) -> str:
        """The value in TOML's syntax."""
        return json.dumps(self.value, ensure_ascii=False)


class PystaticError(Exception):
    """The base class of all errors.

    Args:
        problem: One sentence: what is wrong, and where.
        remedy: One sentence: what to do. May be empty.
        details: Lines shown between the two, indented (the end of a log, a list of contents).
    """

    exit_code = 1

    def __init__(self, problem: str, remedy: str = "", details: Sequence[str] = ()) -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy
        self.details = tuple(details)

    def __str__(self) -> str:
        lines = [self.problem, *(f"  {line}" for line in self.details)]
        if self.remedy:
            lines.append(self.remedy)
        return masked("\n".join(lines))


class ConfigError(PystaticError):
    """The configuration, the arguments of `register()` or the options after `--` are wrong."""

    exit_code = 2


class MissingToolError(PystaticError):
    """The machine or the interpreter lacks something that is needed."""

    exit_code = 3


class FreezeError(PystaticError):
    """The target could not be imported or frozen."""

    exit_code = 4


class StaticxError(PystaticError):
    """The static executable could not be made."""

    exit_code = 5


class ImageError(PystaticError):
    """The image could not be written or loaded, or is over budget."""

    exit_code = 6


class SmokeError(PystaticError):
    """The running image broke its contract; `repairs` may fix it."""

    exit_code = 7

    def __init__(
        self, problem: str, remedy: str = "", details: Sequence[str] = (), repairs: Sequence[Repair] = ()
    ) -> None:
        super().__init__(problem, remedy, details)
        self.repairs = tuple(repairs)


class ProgramError(PystaticError):
    """The program that was run exited with a code other than 0, which is also this error's exit code."""

    def __init__(self, problem: str, remedy: str = "", *, code: int) -> None:
        super().__init__(problem, remedy)
        self.exit_code = code


class ServiceError(SmokeError):
    """A service that the program needs is not there; `line` says so as part of a line."""

    def __init__(self, problem: str, remedy: str = "", details: Sequence[str] = (), line: str = "") -> None:
        super().__init__(problem, remedy, details)
        self.line = line


class PushError(PystaticError):
    """A registry could not be reached, or rejected what was sent."""

    exit_code = 8


def first_of(error: shutil.Error) -> OSError:
    """The first error that occurred when a folder was copied."""
    _, target, why = error.args[0][0]
    number = next((number for number in NO_SPACE if os.strerror(number) in str(why)), None)
    return OSError(number, os.strerror(number), target) if number else OSError(None, str(why), target)


def file_error(error: OSError) -> PystaticError:
    """An error of the operating system, as ours with a remedy."""
    if isinstance(error, shutil.Error):
        error = first_of(error)
    name = error.filename2 or error.filename
    remedies = {
        **dict.fromkeys(NO_SPACE, "Free some space and try again; no half-written file was left behind."),
        errno.EROFS: MAKE_WRITABLE,
        errno.EACCES: "Make it accessible: results go to dist/ and work files to build/ in the project's folder.",
    }
    return PystaticError(
        f"{name or 'A file'} cannot be read or written: {error.strerror or error}.",
        remedies.get(error.errno or 0, "Check the file and its folder."),
    )
