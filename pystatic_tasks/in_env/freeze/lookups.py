"""Tells where PyInstaller's analysis finds a module."""

from __future__ import annotations

from collections.abc import Iterable
from pkgutil import get_importer


def place_of(module: str, folders: Iterable[str]) -> str:
    """The file of a module in the first of these folders that has it, or the folders of a namespace package.

    "" if it is in none. Nothing is imported for it.
    """
    portions: list[str] = []
    for finder in filter(None, map(get_importer, folders)):
        found = finder.find_spec(module)
        if found and found.loader:
            return str(found.origin)
        portions += (found and found.submodule_search_locations) or []
    return ":".join(portions)
