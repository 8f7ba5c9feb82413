"""Shows changes to files as a diff, and writes all of them or none."""

from __future__ import annotations

import contextlib
import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pystatic_tasks.errors import ConfigError
from pystatic_tasks.system.files import read_source, replacement
from pystatic_tasks.system.git import checkout_of


@dataclass(frozen=True, kw_only=True)
class Change:
    """The text of one file before (None if it does not exist) and after."""

    path: Path
    before: str | None
    after: str

    @property
    def is_one(self) -> bool:
        return self.before != self.after


def read_text(path: Path) -> str | None:
    """The text of a file with its line ends unchanged; None if it does not exist.

    Raises:
        ConfigError: it cannot be read, or is not UTF-8.
    """
    try:
        return read_source(path).decode()
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not UTF-8.", "Save it as UTF-8.") from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}.", "Make it a readable file.") from None


def lines_in(text: str) -> list[str]:
    """The lines of a text with their ends, counted as Python and TOML do: a form feed does not end a line."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def diff(change: Change, root: Path) -> Iterator[str]:
    """The change as a unified diff; the file's name is relative to `root`."""
    name = change.path.relative_to(root).as_posix()
    before, after = ([line.rstrip("\r\n") for line in lines_in(text)] for text in (change.before or "", change.after))
    return difflib.unified_diff(before, after, name if change.before is not None else "/dev/null", name, lineterm="")


def write_all(changes: Sequence[Change], root: Path) -> None:
    """Replace all files, keeping their modes and owners, or none of them.

    Args:
        changes: What to write.
        root: The project's folder. Nothing outside its repository is written; without a repository, nothing outside it.

    Raises:
        ConfigError: a file cannot be written, or has changed in the meantime.
    """
    with contextlib.ExitStack() as stack:
        for change in changes:
            # A link is kept: its target is replaced.
            path = change.path.resolve()
            if not path.is_relative_to(checkout_of(root)):
                raise ConfigError(
                    f"{change.path} is a link to {path}, outside the project; nothing was written.",
                    "Replace the link with a file.",
                )
            if read_text(path) != change.before:
                raise ConfigError(f"{change.path} has changed in the meantime; nothing was written.", "Run init again.")
            try:
                stack.enter_context(replacement(path, change.after))
            except OSError as error:
                raise ConfigError(
                    f"{change.path} cannot be written ({error.strerror}); nothing was written.",
                    "Make the file and its folder writable.",
                ) from None
