"""The contents of an image for the page's script, in a short form, since there may be many thousand files.

A component is [number, children], a folder [name, children], a file [name, bytes, first use, importers, more]:
the first use by its number among the occasions (-1 for never, null if unknown), importers by their numbers
among the names, and how many more importers there are.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pystatic_tasks.report.contents import LAYERS, ComponentContents, Contents, FileContents
from pystatic_tasks.report.reasons import Reasons, place

MOST_IMPORTERS = 4


class Names:
    """Numbers for names, in the order in which they are first used."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}

    def number(self, name: str) -> int:
        return self.numbers.setdefault(name, len(self.numbers))


def tree(contents: Contents, reasons: Reasons) -> dict[str, Any]:
    """Layers with components with folders with files, and the names that these refer to."""
    names = Names()
    layers = []
    for layer, title in LAYERS.items():
        found = []
        for number, component in enumerate(contents.components):
            files = [each for each in component.files if each.layer == layer and each.size_bytes]
            if files:
                found.append([number, folders(component, files, reasons, names)])
        if found:
            layers.append([title, found])
    return {"layers": layers, "names": list(names.numbers), "occasions": list(reasons.occasions)}


def folders(
    component: ComponentContents, files: Iterable[FileContents], reasons: Reasons, names: Names
) -> list[list[Any]]:
    """The files of a component in their folders."""
    top: dict[str, Any] = {}
    for file in files:
        *parents, name = place(file.path).split("/")
        folder = top
        for parent in parents:
            # A module and a package may have the same name, but their files have different endings.
            folder = folder.setdefault(f"{parent}/", {})
        reason = reasons.why(file.path)
        importers = [names.number(each) for each in reason.names[:MOST_IMPORTERS]]
        more = len(reason.names) - len(importers)
        folder[name] = shortened([name, file.size_bytes, reason.first_use, importers, more])
    return nodes(top)


def nodes(folder: dict[str, Any]) -> list[list[Any]]:
    return [
        [name.rstrip("/"), nodes(each)] if isinstance(each, dict) else each for name, each in sorted(folder.items())
    ]


def shortened(file: list[Any]) -> list[Any]:
    """A file without empty values at its end."""
    empty: list[Any] = [None, [], 0]
    while len(file) > 2 and file[-1] == empty[len(file) - 3]:
        file = file[:-1]
    return file
