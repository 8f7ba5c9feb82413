"""Suggests how to make an image or its pushes smaller: at most five things, from what was recorded."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from pystatic_tasks.bom.components import OURS
from pystatic_tasks.in_env.names import top_of
from pystatic_tasks.report.contents import ComponentContents, FileContents
from pystatic_tasks.report.interpreters import large_interpreters
from pystatic_tasks.report.reasons import NEVER, Reasons, module_name, place
from pystatic_tasks.report.records import Records
from pystatic_tasks.system.timezones import TIMEZONES
from pystatic_tasks.system.units import megabytes

MOST = 5
# Smaller savings, in bytes before compression, are not worth a line.
LEAST_BYTES = 50_000
# The largest size of Debian 12's interpreter and of pyenv's library.
USUAL_INTERPRETER_BYTES = 7_000_000
# How much smaller zstd makes the layers of the sample app (docs/layouts.md).
ZSTD_SHARE = 0.15
TLS_MODULES = ("_ssl", "_hashlib")
TLS_LIBRARIES = ("libssl.so", "libcrypto.so")
SHOWN = 3
SLIM = "nox -s slim"


@dataclass(frozen=True, kw_only=True)
class Suggestion:
    """One suggestion.

    Attributes:
        title: What to do, in a few words.
        why: The reason.
        line: A line of configuration, or a command.
        is_command: Whether it is a command.
        caution: When not to do it; "" if it is always safe.
        saved_bytes: Saved bytes of files before compression; 0 if they stay.
        saved_of_image: Estimated saving of the compressed image; None if unknown.
        saved_of_push: Estimated saving of each push after a changed line; None for suggestions that save bytes of
            the image.
        components: Saved bytes by component, largest first.
    """

    title: str
    why: str
    line: str
    is_command: bool = False
    caution: str = ""
    saved_bytes: int = 0
    saved_of_image: int | None = None
    saved_of_push: int | None = None
    components: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Saving:
    """Files that would be removed, with their components."""

    files: tuple[tuple[ComponentContents, FileContents], ...]

    @property
    def size_bytes(self) -> int:
        return sum(file.size_bytes for _, file in self.files)

    def of_image(self, scale: float) -> int | None:
        """Their estimated size in the compressed image, by their share of their components."""
        if not scale:
            return None
        shares = (
            (component.compressed_bytes or 0) * file.size_bytes / component.size_bytes
            for component, file in self.files
            if component.size_bytes
        )
        return round(sum(shares) * scale)

    @property
    def components(self) -> Mapping[str, int]:
        """Their bytes by component, largest first."""
        sizes: dict[str, int] = {}
        for component, file in self.files:
            sizes[component.name] = sizes.get(component.name, 0) + file.size_bytes
        return {name: sizes[name] for name in sorted(sizes, key=lambda name: (-sizes[name], name))}


def suggest(records: Records, reasons: Reasons) -> list[Suggestion]:
    """The suggestions, largest saving first; one that only saves traffic comes last, if there is room."""
    rules = (
        unused_code,
        unused_packages,
        packages_of_tests,
        without_tls,
        smaller_interpreter,
        time_zones_twice,
        layers_by_zstd,
    )
    smaller = [
        each
        for rule in rules
        for each in rule(records, reasons)
        if (each.saved_bytes or each.saved_of_image or 0) >= LEAST_BYTES
    ]
    smaller.sort(key=lambda each: (-(each.saved_of_image or 0), -each.saved_bytes, each.title))
    return [*smaller, *layers_to_push(records)][:MOST]


def saving(records: Records, goes: Callable[[ComponentContents, FileContents], bool]) -> Saving:
    """The files of an image for which `goes` returns true."""
    components = records.contents.components
    return Saving(files=tuple((each, file) for each in components for file in each.files if goes(each, file)))


def unused_code(records: Records, reasons: Reasons) -> Iterator[Suggestion]:
    """Slim, for what no request used."""
    unused = reasons.unused(records.config.slim.keep)
    if records.not_observed or not unused:
        return
    found = saving(records, lambda _, file: reasons.is_unused(file.path, unused))
    yield Suggestion(
        title="Leave out what was never used",
        why=f"{counted(len(found.files))} not touched when the service started and answered its requests, "
        f"mostly in {listed(found.components)}.",
        line=SLIM,
        is_command=True,
        caution="Whatever the declared requests do not reach would be missing: first let them, or the tests, reach "
        "everything that is needed.",
        saved_bytes=found.size_bytes,
        saved_of_image=found.of_image(records.contents.scale),
        components=found.components,
    )


def unused_packages(records: Records, reasons: Reasons) -> Iterator[Suggestion]:
    """An exclude for top-level packages of dependencies that were never loaded."""
    if records.not_observed or not reasons.occasions:
        return
    yield from exclude(records, reasons, {NEVER}, "was loaded")


def packages_of_tests(records: Records, reasons: Reasons) -> Iterator[Suggestion]:
    """An exclude for top-level packages of dependencies that only `observe.command` loaded."""
    command = " ".join(records.config.observe.command)
    if command not in reasons.occasions:
        return
    yield from exclude(records, reasons, {reasons.occasions.index(command), NEVER}, f"was loaded except by {command}")


@dataclass(frozen=True, kw_only=True)
class Excluded:
    """Top-level packages of a component that can be excluded.

    Attributes:
        title: Their name together: the component's, if they are all of it or have its name.
        names: Their names.
        saving: Their files.
    """

    title: str
    names: tuple[str, ...]
    saving: Saving


def exclude(records: Records, reasons: Reasons, uses: Collection[int], seen: str) -> Iterator[Suggestion]:
    """One exclude for all top-level packages of dependencies that were used on no other occasions than these.

    Args:
        records: The records of the image.
        reasons: Looks up when something was used.
        uses: Numbers of the occasions, or `NEVER`; packages that were never used count only if it is the only one.
        seen: What was seen, after "No part of them".
    """
    found = [each for component in dependencies(records) for each in excluded(component, reasons, uses)]
    found = [each for each in found if each.saving.size_bytes >= LEAST_BYTES]
    if not found:
        return
    found.sort(key=lambda each: (-each.saving.size_bytes, each.title))
    names = [name for each in found for name in each.names]
    saved = Saving(files=tuple(file for each in found for file in each.saving.files))
    importers = {top_of(importer) for _, file in saved.files for importer in reasons.why(file.path).names} - {*names}
    titles, them = listed(each.title for each in found), "it" if len(found) == 1 else "them"
    importing = f", though {listed(sorted(importers))} can import {them}" if importers else ""
    unused = reasons.unused(records.config.slim.keep)
    slim_too = all(reasons.is_unused(file.path, unused) for _, file in saved.files if module_name(file.path))
    yield Suggestion(
        title=f"Leave out {titles}",
        why=f"No part of {them} {seen}{importing}.{f' Slim leaves {them} out too.' if slim_too else ''}",
        caution=f"Only if no other request needs {them}.",
        line=f"freeze.excludes = {json.dumps([*records.config.freeze.excludes, *names], ensure_ascii=False)}",
        saved_bytes=saved.size_bytes,
        saved_of_image=saved.of_image(records.contents.scale),
        components=saved.components,
    )


def excluded(component: ComponentContents, reasons: Reasons, uses: Collection[int]) -> Iterator[Excluded]:
    """The packages of a component that were used on no other occasions than these, if there are any."""
    found: dict[str, set[int | None]] = {}
    for file in component.files:
        if name := module_name(file.path):
            found.setdefault(top_of(name), set()).add(reasons.why(file.path).first_use)
    never = set(uses) == {NEVER}
    names = [name for name in sorted(found) if found[name] <= set(uses) and never == (found[name] == {NEVER})]
    if not names:
        return
    whole = len(names) == len(found)
    yield Excluded(
        title=component.name if whole or names == [component.name] else f"{listed(names)} of {component.name}",
        names=tuple(names),
        saving=Saving(
            files=tuple(
                (component, file) for file in component.files if whole or top_of(module_name(file.path)) in names
            )
        ),
    )


def dependencies(records: Records) -> list[ComponentContents]:
    return [each for each in records.contents.components if each.kind == "distribution" and each.name != OURS]


def without_tls(records: Records, reasons: Reasons) -> Iterator[Suggestion]:
    """slim.tls, if only Python's own modules are linked to OpenSSL."""
    config, linked_by = records.config, records.evidence.linked_by
    if not config.slim.tls or "certfile" in config.server:
        return
    users = {
        module_name(path) or place(path)
        for name, paths in linked_by.items()
        if name.startswith(TLS_LIBRARIES)
        for path in paths
    }
    others = {name for name in users if name not in TLS_MODULES and not name.startswith(TLS_LIBRARIES)}
    if others or not users:
        return
    found = saving(
        records,
        lambda _, file: module_name(file.path) in TLS_MODULES or place(file.path).startswith(TLS_LIBRARIES),
    )
    yield Suggestion(
        title="Do without TLS",
        why="OpenSSL is there only for Python's ssl and hashlib, and the service itself is requested without TLS.",
        line="slim.tls = false",
        caution="Only if it calls no other service over TLS, for example behind a proxy.",
        saved_bytes=found.size_bytes,
        saved_of_image=found.of_image(records.contents.scale),
        components=found.components,
    )


def smaller_interpreter(records: Records, reasons: Reasons) -> Iterator[Suggestion]:
    for name, size in large_interpreters(records.parts):
        files = [(each, file) for each in records.contents.components for file in each.files]
        owner = next((each for each, file in files if place(file.path).endswith(name)), None)
        share = Saving(files=tuple((each, file) for each, file in files if each is owner))
        saved = size - USUAL_INTERPRETER_BYTES
        of_image = share.of_image(records.contents.scale)
        yield Suggestion(
            title="Use a smaller Python",
            why=f"{name} alone is {megabytes(size)}, as is usual for python-build-standalone; that of a "
            f"distribution or of pyenv is at most {megabytes(USUAL_INTERPRETER_BYTES)}.",
            line='python = "/usr/bin/python3"',
            saved_bytes=saved,
            saved_of_image=round(of_image * saved / share.size_bytes) if of_image and share.size_bytes else None,
            components={owner.name: saved} if owner else {},
        )


def time_zones_twice(records: Records, reasons: Reasons) -> Iterator[Suggestion]:
    """image.timezones, if the distribution tzdata is in the image too."""
    brings = any(each.kind == "distribution" and each.name == "tzdata" for each in records.contents.components)
    if records.config.image.timezones and brings:
        found = saving(records, lambda _, file: file.path.startswith(f"{TIMEZONES}/"))
        yield Suggestion(
            title="Include the time zones only once",
            why="They are there as system files and as the distribution tzdata, which is all that Python needs.",
            line="image.timezones = false",
            saved_bytes=found.size_bytes,
            saved_of_image=found.of_image(records.contents.scale),
            components=found.components,
        )


def layers_by_zstd(records: Records, reasons: Reasons) -> Iterator[Suggestion]:
    """image.compression, if layers with plain files are compressed with gzip."""
    if records.contents.layout == "tree" and records.built.compression == "gzip":
        yield Suggestion(
            title="Compress layers with zstd",
            why=f"The layers are compressed with gzip; zstd makes those of the sample app {ZSTD_SHARE:.0%} smaller.",
            line='image.compression = "zstd"',
            caution="Docker Engine 23.0 or newer, containerd, Podman and skopeo can read them; older engines cannot.",
            saved_of_image=round(records.contents.compressed_bytes * ZSTD_SHARE),
        )


def layers_to_push(records: Records) -> Iterator[Suggestion]:
    """The tree layout, in which a changed line of the project changes only the last layer."""
    contents = records.contents
    project = saving(records, lambda _, file: file.layer == "project").of_image(contents.scale)
    if contents.layout == "onefile" and project is not None:
        unpacking_ms = dict(records.start.parts).get("unpacking") if records.start else None
        took = f", which took {unpacking_ms:.0f} ms here" if unpacking_ms else ""
        yield Suggestion(
            title="Push only what changed",
            why="After each changed line, the one file is pushed whole. With plain files, only the last layer would "
            f"be, and a start would unpack nothing{took}.",
            line='layout = "tree"',
            caution=f"On disk, the image would be {megabytes(contents.unpacked_bytes)}.",
            saved_of_push=contents.compressed_bytes - project,
        )


def counted(count: int) -> str:
    return "1 file was" if count == 1 else f"{count} files were"


def listed(names: Iterable[str]) -> str:
    """The first names in words."""
    found = list(names)
    rest = len(found) - SHOWN
    shown = ", ".join(found[:SHOWN])
    return f"{shown} and {rest} more" if rest > 0 else " and ".join(shown.rsplit(", ", 1))
