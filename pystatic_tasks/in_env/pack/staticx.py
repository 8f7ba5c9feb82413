"""Packs a frozen program into one static executable with StaticX, with the same bytes every time."""

from __future__ import annotations

import io
import logging
import lzma
import tarfile
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from PyInstaller.archive.readers import CArchiveReader
from staticx.api import StaticxGenerator
from staticx.archive import SxArchive, get_xz_filters
from staticx.errors import Error

from ..attribution.components import INSIDE, Member, added_components
from ..elf.binaries import unresolved
from ..exchange import respond
from ..protocol import RefusedError, StaticExecutable, StaticxQuestion
from .blocks import Filters, compress

# A file of StaticX's; its owner is the component of StaticX's own parts of an executable.
STATICX = "staticx/__init__.py"
# Smaller blocks would compress faster, on more processors, but to a larger size.
LEAST_BLOCK_BYTES = 8 * 2**20
# For bytecode and texts, where the position of a byte in a word says nothing about it.
FOR_TEXT: Filters = [{"id": lzma.FILTER_LZMA2, "lc": 4, "pb": 0}]


class PlainTarInfo(tarfile.TarInfo):
    """A tar entry without times and owners of the build machine."""

    def get_info(self) -> Any:
        info: Any = super().get_info()
        info.update(mtime=0, uid=0, gid=0, uname="", gname="", mode=0o755)
        return info


class BlockArchive(SxArchive):  # type: ignore[misc]
    """StaticX's archive, which is compressed block by block once it is complete."""

    def __init__(self, fileobj: Any, request: StaticxQuestion) -> None:
        super().__init__(fileobj, "w", compress=False)
        self.request = request
        self.tar.tarinfo = PlainTarInfo

    def __exit__(self, kind: Any, *rest: Any) -> None:
        super().__exit__(kind, *rest)
        if kind is None:
            self.fileobj.seek(0)
            content = self.fileobj.read()
            begins = plan_blocks(content, Path(self.request.program), set(self.request.own_packages))
            self.fileobj.seek(0)
            self.fileobj.truncate()
            self.fileobj.write(compress(content, begins, Path(self.request.kept)))


def plan_blocks(content: bytes, program: Path, own: set[str]) -> dict[int, Filters]:
    """Where blocks of a tar with a frozen program begin; what changes with the project has blocks of its own."""
    for_binaries: Filters = get_xz_filters()
    archive = CArchiveReader(str(program))
    name = next(name for name, (*_, kind) in archive.toc.items() if kind == "z")
    place = content.find(archive.extract(name))
    if place < 0:
        return {0: for_binaries}
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        member = tar.getmember(program.name)
    begin = place - archive.toc[name][0]
    texts = [place + position for position in module_cuts(archive.open_embedded_archive(name).toc, own)]
    members = {
        begin + position: for_binaries if is_binary else FOR_TEXT for position, is_binary in member_cuts(archive.toc)
    }
    return {
        **{0: for_binaries, member.offset: for_binaries, begin: FOR_TEXT},
        **members,
        **dict.fromkeys([place, *texts], FOR_TEXT),
        member.offset_data + member.size: for_binaries,
    }


def member_cuts(toc: Mapping[str, Sequence[Any]]) -> Iterator[tuple[int, bool]]:
    """Where blocks of PyInstaller's archive begin, and whether they contain binaries: large ones, of one kind each."""
    last, was_binary = 0, False
    for position, kind in sorted((entry[0], entry[-1]) for entry in toc.values()):
        is_binary = kind == "b"
        if is_binary != was_binary or position - last >= LEAST_BLOCK_BYTES:
            yield position, is_binary
            last, was_binary = position, is_binary


def module_cuts(toc: Mapping[str, Sequence[int]], own: set[str]) -> Iterator[int]:
    """Where the project's own modules begin and end in an archive of modules, and where the archive's table begins."""
    was_own: bool | None = None
    end = 0
    for module, (_, position, size) in toc.items():
        is_own = module.partition(".")[0] in own
        if is_own != was_own:
            yield position
        was_own, end = is_own, position + size
    yield end


class Warnings(logging.Handler):
    """The warnings of StaticX. It then continues without libraries that a file needs, so each one is an error."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())


class Generator(StaticxGenerator):  # type: ignore[misc]  # It has no types.
    """StaticX's generator, which also records the libraries that it takes from this machine, by name."""

    sxar: Any

    def __init__(self, request: StaticxQuestion) -> None:
        super().__init__(prog=request.program, strip=request.strip, compress=False)
        self.sxar = BlockArchive(self.sxar.fileobj, request)
        self.tar = self.sxar.tar
        self.sources: dict[str, str] = {}

    def add_library(self, libpath: str, exist_ok: bool = False) -> None:
        path = Path(libpath).resolve()
        self.sources.update({name: str(path) for name in (Path(libpath).name, path.name)})
        super().add_library(libpath, exist_ok)

    def members(self, name: str) -> Iterator[Member]:
        """The files of the executable of that name, without the program itself."""
        yield Member(f"/{name}", STATICX)
        for each in self.tar.members:
            if each.name != name:
                yield Member(f"/{name}{INSIDE}{each.name}", self.sources.get(each.name, STATICX))


def missing_libraries(program: Path) -> list[tuple[str, str]]:
    """The libraries that `ldd` does not find for the binaries inside the program."""
    archive = CArchiveReader(str(program))
    with tempfile.TemporaryDirectory(prefix="pystatic-") as name:
        folder = Path(name)
        for member, (_, _, _, _, kind) in archive.toc.items():
            if kind == "b":
                target = folder / member
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(archive.extract(member))
                target.chmod(0o755)
        return unresolved(folder)


def build(request: StaticxQuestion) -> StaticExecutable:
    missing = missing_libraries(Path(request.program))
    if missing:
        return StaticExecutable(missing=tuple(missing))
    warnings = Warnings()
    logging.getLogger().addHandler(warnings)
    try:
        with Generator(request) as generator:
            for library in request.libraries:
                generator.add_library(library)
            generator.generate(output=request.output)
    except (Error, OSError) as error:
        raise RefusedError(str(error)) from None
    if warnings.texts:
        raise RefusedError(warnings.texts[0])
    members = list(generator.members(Path(request.program).name))
    return StaticExecutable(
        components=tuple(added_components(members)),
        system=tuple(sorted(set(generator.sources.values()))),
    )


def main(question: Path, answer: Path) -> None:
    respond(StaticxQuestion, build, question, answer)
