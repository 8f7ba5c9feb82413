"""The largest components of an image: why they are there, and how to remove them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pystatic_tasks.bom.relations import requirements
from pystatic_tasks.in_env.protocol import Component, ComponentKind
from pystatic_tasks.report.contents import ComponentContents, Contents
from pystatic_tasks.report.reasons import LIBRARY, NEVER, OF_ARCHIVE, PACKAGES, Reasons, file_name, module_name
from pystatic_tasks.report.records import Records
from pystatic_tasks.report.suggestions import TLS_LIBRARIES, Suggestion, listed

COUNT = 3
MOST = 0.95
C_LIBRARY = "libc.so.6"
# The interpreter's names in a tree and in the launcher, and the library that it may be linked to.
INTERPRETER = re.compile(r"/bin/(?:interpreter|python3\.\d+)$|/libpython3\.[^/]+$")
# The kinds of components that parts of Python belong to: its own, or a system's packages.
OF_PYTHON: Sequence[ComponentKind] = ("interpreter", "system")


@dataclass(frozen=True, kw_only=True)
class Large:
    """One of the largest components.

    Attributes:
        share: Its share of all bytes before compression, from 0 to 1.
        of_image: Its estimated share of the compressed image, in bytes; None if unknown.
        why: Why it is there, in a sentence.
        remedy: How to remove it, in a sentence.
        suggestion: Number of the suggestion that saves most of it, from 1; None without one.
        saved_bytes: The bytes that this suggestion saves of it.
    """

    component: ComponentContents
    share: float
    of_image: int | None
    why: str
    remedy: str
    suggestion: int | None
    saved_bytes: int

    @property
    def is_most(self) -> bool:
        """Whether the suggestion saves nearly all of it."""
        return self.saved_bytes >= MOST * self.component.size_bytes


def largest(records: Records, reasons: Reasons, suggestions: Sequence[Suggestion]) -> list[Large]:
    """The largest components, largest first."""
    contents = records.contents
    ordered = sorted(contents.components, key=lambda each: (-each.size_bytes, each.name))
    required = required_by(records.components)
    return [
        Large(
            component=each,
            share=each.size_bytes / contents.unpacked_bytes,
            of_image=contents.of_image(each),
            why=why(each, contents, reasons, required.get(each.name, ())),
            remedy=remedy(each, reasons, required.get(each.name, ())),
            suggestion=suggestion_for(each.name, suggestions),
            saved_bytes=max((found.components.get(each.name, 0) for found in suggestions), default=0),
        )
        for each in ordered[:COUNT]
        if each.size_bytes
    ]


def required_by(components: Sequence[Component]) -> dict[str, tuple[str, ...]]:
    """For each component's name, the names of the components whose metadata require it."""
    found: dict[str, list[str]] = {}
    for component, numbers in zip(components, requirements(components), strict=True):
        for number in numbers:
            found.setdefault(components[number].name, []).append(component.name)
    return {name: tuple(sorted(set(names))) for name, names in found.items()}


def suggestion_for(name: str, suggestions: Sequence[Suggestion]) -> int | None:
    """The number of the suggestion that saves most of a component, from 1."""
    saved = [each.components.get(name, 0) for each in suggestions]
    return saved.index(max(saved)) + 1 if any(saved) else None


def importers_of(component: ComponentContents, contents: Contents, reasons: Reasons) -> list[str]:
    """Names of other components' modules that import it, or of files that are linked to it."""
    own = {name for file in component.files if (name := module_name(file.path))}
    own |= {file_name(file.path) for file in component.files}
    names = {name for file in component.files for name in reasons.why(file.path).names}
    return sorted(names - own)


def holds_c_library(component: ComponentContents) -> bool:
    return any(file_name(file.path) == C_LIBRARY for file in component.files)


def holds_openssl(component: ComponentContents) -> bool:
    return any(file_name(file.path).startswith(TLS_LIBRARIES) for file in component.files)


def holds_interpreter(component: ComponentContents) -> bool:
    return component.kind in OF_PYTHON and any(INTERPRETER.search(file.path) for file in component.files)


def holds_standard_library(component: ComponentContents) -> bool:
    return component.kind in OF_PYTHON and any(is_of_library(file.path) for file in component.files)


def is_of_library(path: str) -> bool:
    """Whether a file is a module of the standard library, and not of a package in site-packages."""
    return bool(OF_ARCHIVE.match(path) or LIBRARY.match(path)) and not PACKAGES.match(path)


def why_of_python(component: ComponentContents) -> str:
    """Why a part of Python is there (systems split it into several packages); "" for anything else."""
    match holds_interpreter(component), holds_standard_library(component):
        case True, True:
            return "Python itself: the interpreter and the imported part of the standard library."
        case True, False:
            return "Python itself: the interpreter."
        case False, True:
            return "The imported part of Python's standard library."
    return ""


def why(component: ComponentContents, contents: Contents, reasons: Reasons, required: Sequence[str]) -> str:
    if holds_c_library(component):
        return "The C library, which everything is linked against."
    of_python = why_of_python(component)
    if of_python:
        return of_python
    if component.kind == "project":
        return "The project itself, with its data."
    importers = importers_of(component, contents, reasons)
    if component.kind == "system" and importers:
        what = "OpenSSL" if holds_openssl(component) else "System libraries"
        return f"{what}, needed by {listed(importers)}."
    if importers:
        return f"Imported by {listed(importers)}."
    if required:
        return f"Required by {listed(required)}."
    return "Requested by name or by the configuration."


def remedy(component: ComponentContents, reasons: Reasons, required: Sequence[str]) -> str:
    if holds_c_library(component):
        return "Nothing to do: no program starts without it."
    if holds_standard_library(component):
        return "The less of the standard library is imported, the smaller it is."
    if holds_interpreter(component):
        return "Nothing to do: it runs everything else."
    if component.kind == "project":
        return "See below which of its files are large, and whether the service reads them."
    first = first_use(component, reasons)
    when = f" It is first used {first}." if first else ""
    if required:
        return f"It is left out together with {listed(required)}.{when}"
    return f"It is left out once nothing imports it.{when}"


def first_use(component: ComponentContents, reasons: Reasons) -> str:
    """When it was first used, in words; "" if unknown."""
    uses = [use for file in component.files if (use := reasons.why(file.path).first_use) not in (None, NEVER)]
    if not uses:
        return ""
    occasion = reasons.occasions[min(each for each in uses if each is not None)]
    return {"start": "when the service starts", "end": "when it ends"}.get(occasion, f"by {occasion}")
