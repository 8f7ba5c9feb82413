"""Handles names of parts of a program: modules such as `email.parser`, and data folders such as `shop/static/`."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from fnmatch import fnmatchcase
from pathlib import PurePath

from .protocol import Use


def around(name: str) -> list[str]:
    """What contains a name: the packages of a module, the folders and packages of a data folder."""
    is_folder = name.endswith("/")
    parts = name.rstrip("/").split("/" if is_folder else ".")
    above = [parts[:count] for count in range(1, len(parts))]
    if not is_folder:
        return [".".join(each) for each in above]
    return [*("/".join(each) + "/" for each in above), *(".".join(each) for each in [*above, parts])]


def is_among(name: str, names: Collection[str]) -> bool:
    """Whether a name, or something that contains it, is one of these."""
    return any(each in names for each in (name, *around(name)))


def outermost(names: Collection[str]) -> set[str]:
    """The names that no other one contains."""
    return {name for name in names if not any(each in names for each in around(name))}


def used_names(use: Use) -> set[str]:
    """The names of what was used, and of everything that contains it."""
    folders = {f"{folder}/" for folder in use.data}
    return {each for name in {*use.modules, *folders} for each in (name, *around(name))}


def is_kept(name: str, patterns: Iterable[str]) -> bool:
    """Whether a pattern matches the name or something that contains it, or names something inside it."""
    return any(
        name in around(pattern) or any(fnmatchcase(each, pattern) for each in (name, *around(name)))
        for pattern in patterns
    )


def top_of(name: str) -> str:
    """The top-level module or package of a name."""
    return name.replace("/", ".").partition(".")[0]


def module_of(path: PurePath) -> str:
    """The module name of a source file, from its path in the program; "" for any other file."""
    if path.suffix != ".py":
        return ""
    parts = path.parent.parts if path.stem == "__init__" else path.with_suffix("").parts
    return ".".join(parts)
