"""One static executable from one frozen program, the same bytes every time.

Input: {"program": path, "output": path, "libraries": [paths], "strip": bool}
Output: {"missing": [[binary, library], …]} or {"error": text} or {"components": […]}, as components.py has them,
    of what the executable holds beside the program.
"""

from __future__ import annotations

import json
import logging
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from binaries import unresolved
from components import INSIDE, STATICX, Member, added_components
from PyInstaller.archive.readers import CArchiveReader
from staticx.api import StaticxGenerator
from staticx.errors import Error


class PlainTarInfo(tarfile.TarInfo):
    """A tar entry that tells nothing of the machine it was made on: no times, no owners."""

    def get_info(self) -> Any:
        info: Any = super().get_info()
        info.update(mtime=0, uid=0, gid=0, uname="", gname="", mode=0o755)
        return info


class Warnings(logging.Handler):
    """What StaticX warns of. It then goes on without the libraries that a file needs, so each is an error."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())


class Generator(StaticxGenerator):  # type: ignore[misc]  # It has no types.
    """StaticX, with a note of the libraries that it takes from this machine, by name."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.sxar.tar.tarinfo = PlainTarInfo
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
    """What `ldd` does not find for the program and for the binaries inside it."""
    archive = CArchiveReader(str(program))
    with tempfile.TemporaryDirectory(prefix="pystatic-") as name:
        folder = Path(name)
        for member, (_, _, _, _, kind) in archive.toc.items():
            if kind == "b":
                target = folder / member
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(archive.extract(member))
                target.chmod(0o755)
        missing: list[tuple[str, str]] = unresolved(folder)
        return missing


def build(request: dict[str, Any]) -> dict[str, Any]:
    missing = missing_libraries(Path(request["program"]))
    if missing:
        return {"missing": missing}
    warnings = Warnings()
    logging.getLogger().addHandler(warnings)
    try:
        with Generator(prog=request["program"], strip=request["strip"]) as generator:
            for library in request["libraries"]:
                generator.add_library(library)
            generator.generate(output=request["output"])
    except (Error, OSError) as error:
        return {"error": str(error)}
    if warnings.texts:
        return {"error": warnings.texts[0]}
    return {"components": added_components(generator.members(Path(request["program"]).name))}


if __name__ == "__main__":
    answer = build(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    Path(sys.argv[2]).write_text(json.dumps(answer), encoding="utf-8")
