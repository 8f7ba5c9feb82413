"""Why a file is in an image: which modules import it, which files are linked to it, and when it was first used."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pystatic_tasks.in_env.names import is_among, is_kept, used_names
from pystatic_tasks.in_env.protocol import Use

INSIDE = "!/"
# The folders of modules, in a tree and in PyInstaller's archive.
PACKAGES = re.compile(r".*/lib/python3\.\d+/site-packages/")
LIBRARY = re.compile(r".*/lib/python3\.\d+/(?:lib-dynload/)?|.*!/python3\.\d+/lib-dynload/|.*!/base_library\.zip!/")
OF_ARCHIVE = re.compile(r".*\.pyz!/")
EXTENSION = re.compile(r"\.(?:cpython-[\w-]+|abi3|pypy[\w-]+)?\.?so$")
CACHED = re.compile(r"__pycache__/([^/.]+)\.[^/]+\.pyc$")
SHARED_LIBRARY = re.compile(r"\.so(\.[^/]+)?$")
# The folder in which auditwheel puts libraries beside a package.
BUNDLED_LIBRARY = re.compile(r"\.libs/[^/]*$")
NEVER = -1


@dataclass(frozen=True, kw_only=True)
class Reason:
    """Why one file is there.

    Attributes:
        names: Names of the modules that import it, or of the files that are linked to it.
        first_use: Number of the occasion of its first use, `NEVER` if it was not used, None if unknown.
    """

    names: tuple[str, ...] = ()
    first_use: int | None = None


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What was recorded about a program.

    Attributes:
        imported_by: For each module, the modules that import it.
        linked_by: For each shared library, by file name, the paths of the files that are linked to it.
        uses: What was used on each occasion, in order; () if the program was not run, or not to the end.
        optional: Names of modules and folders that the program can do without.
    """

    imported_by: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    linked_by: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    uses: tuple[Use, ...] = ()
    optional: tuple[str, ...] = ()


def place(path: str) -> str:
    """The path of a file below the folder that modules are imported from, or else its path in the image."""
    for pattern in (PACKAGES, LIBRARY, OF_ARCHIVE):
        found = pattern.match(path)
        if found:
            return path[found.end() :]
    inside = path.rpartition(INSIDE)[2]
    # All shared libraries of the system lie in one folder, whose name does not matter.
    return file_name(inside) if SHARED_LIBRARY.search(inside) else inside.lstrip("/")


def file_name(path: str) -> str:
    return path.rpartition("/")[2]


def module_name(path: str) -> str:
    """The name of the module that a file contains, or ""."""
    if OF_ARCHIVE.match(path):
        return place(path)
    if not (PACKAGES.match(path) or LIBRARY.match(path)):
        return ""
    name = CACHED.sub(r"\1.pyc", place(path))
    stem = EXTENSION.sub("", name) if EXTENSION.search(name) else name.removesuffix(".pyc")
    if stem == name:
        return ""
    return stem.removesuffix("/__init__").replace("/", ".")


def slim_name(path: str) -> str:
    """The name by which slim knows a file: its module, or its folder with "/" at the end; or ""."""
    module = module_name(path)
    if module:
        return module
    folder = place(path).rpartition("/")[0]
    return f"{folder}/" if folder and PACKAGES.match(path) else ""


class Reasons:
    """Looks up why files are there."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence
        self.known: dict[str, Reason] = {}
        self.first_uses: dict[str, int] = {}
        for number, use in enumerate(evidence.uses):
            for name in (*use.modules, *(f"{folder}/" for folder in use.data)):
                self.first_uses.setdefault(name, number)

    @property
    def occasions(self) -> tuple[str, ...]:
        return tuple(use.occasion for use in self.evidence.uses)

    def why(self, path: str) -> Reason:
        """Why a file is there, by its path in `Component.files`."""
        if path not in self.known:
            self.known[path] = self.look_up(path)
        return self.known[path]

    def look_up(self, path: str) -> Reason:
        users = self.evidence.linked_by.get(file_name(path), ())
        if users or BUNDLED_LIBRARY.search(path):
            return Reason(names=tuple(module_name(user) or file_name(user) for user in users))
        module = module_name(path)
        if module:
            # The entry script imports everything by name that was seen at run time.
            names = tuple(name for name in self.evidence.imported_by.get(module, ()) if name)
            return Reason(names=names, first_use=self.first_use(module))
        name = slim_name(path)
        return Reason(first_use=self.first_use(name) if name else None)

    def first_use(self, name: str) -> int | None:
        if not self.evidence.uses:
            return None
        return self.first_uses.get(name, NEVER)

    def unused(self, keep: Iterable[str] = ()) -> set[str]:
        """Names of what slim would omit; empty if it is unknown what was used.

        Args:
            keep: Patterns of names to keep.
        """
        if not self.evidence.uses:
            return set()
        used = {name for use in self.evidence.uses for name in used_names(use)}
        return {name for name in self.evidence.optional if name not in used and not is_kept(name, keep)}

    def is_unused(self, path: str, unused: set[str]) -> bool:
        name = slim_name(path)
        return bool(name) and is_among(name, unused)
