"""Names of what is in a program: a module, `email.parser`, or a folder of data that is no package, `shop/static/`."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from fnmatch import fnmatchcase
from pathlib import PurePath

from .protocol import Use


def around(name: str) -> list[str]:
    """What a name lies in: the packages of a module, the folders and packages of a folder of data."""
    is_folder = name.endswith("/")
    parts = name.rstrip("/").split("/" if is_folder else ".")
    above = [parts[:count] for count in range(1, len(parts))]
    if not is_folder:
        return [".".join(each) for each in above]
    return [*("/".join(each) + "/" for each in above), *(".".join(each) for each in [*above, parts])]


def is_among(name: str, names: Collection[str]) -> bool:
    """Whether a name, or something that it lies in, is one of these."""
    return any(each in names for each in (name, *around(name)))


def outermost(names: Collection[str]) -> set[str]:
    """Those that lie in no other."""
    return {name for name in names if not any(each in names for each in around(name))}


def used_names(use: Use) -> set[str]:
    """The names of what was used, and of what that lies in."""
    folders = {f"{folder}/" for folder in use.data}
    return {each for name in {*use.modules, *folders} for each in (name, *around(name))}


def is_kept(name: str, patterns: Iterable[str]) -> bool:
    """Whether one of these is the name, matches it or what it lies in, or lies in it."""
    return any(
        name in around(pattern) or any(fnmatchcase(each, pattern) for each in (name, *around(name)))
        for pattern in patterns
    )


def top_of(name: str) -> str:
    """The top-level module or package of a name."""
    return name.replace("/", ".").partition(".")[0]


def module_of(path: PurePath) -> str:
    """The module that a source in a program is of, by where it lies; "" for any other file."""
    if path.suffix != ".py":
        return ""
    parts = path.parent.parts if path.stem == "__init__" else path.with_suffix("").parts
    return ".".join(parts)
