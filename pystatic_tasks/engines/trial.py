"""Tries whether an engine can run images, with the smallest possible image, which is removed afterwards."""

from __future__ import annotations

import gzip
import platform
import secrets
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pystatic_tasks.config.model import ImageOptions, Smoke
from pystatic_tasks.engines.base import Artifact, Container, Engine, Policy
from pystatic_tasks.errors import ImageError
from pystatic_tasks.oci.archive import Written, write_archive
from pystatic_tasks.oci.layers import Entry, make_layer
from pystatic_tasks.oci.manifest import Runtime, make_image
from pystatic_tasks.system.beneath import temporary_folder
from pystatic_tasks.system.machine import host_platform

PROGRAM = "/true"
NOT_STARTED = "Error: failed to start containers: "
POLICY = Policy(user=ImageOptions().user, writable_tmp=False, memory_bytes=Smoke().memory)
SECONDS = 30.0
# The address of the only segment in memory; a page boundary for every page size.
ADDRESS = 0x400000
PAGE = 0x10000

# Identity, type, machine, version, entry point, offset of segments, of sections, flags, and `SIZES`.
HEADER = struct.Struct("<16sHHIQQQI6H")
# Type, flags, offset, address, physical address, size in the file, in memory, alignment.
SEGMENT = struct.Struct("<IIQQQQQQ")
# Size of the header, size and count of segments, size and count of sections, index of the sections' names.
SIZES = (HEADER.size, SEGMENT.size, 1, 0, 0, 0)
EXECUTABLE = 2
LOADED = 1
READ_AND_EXECUTE = 5


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A machine by its number in ELF, with code that ends a process with exit code 0."""

    number: int
    code: bytes


MACHINES: Mapping[str, Machine] = {
    # xor edi, edi; mov eax, 60; syscall
    "x86_64": Machine(number=62, code=bytes.fromhex("31ff b83c000000 0f05")),
    # mov x0, 0; mov x8, 93; svc 0
    "aarch64": Machine(number=183, code=bytes.fromhex("000080d2 a80b80d2 010000d4")),
}


def why_not(engine: Engine) -> str:
    """Why an engine cannot run images here; empty if it can."""
    if not engine.version():
        return engine.problem()
    seen = try_out(engine)
    return f"it cannot start anything: {seen}" if seen else ""


@cache
def try_out(engine: Engine) -> str:
    """What went wrong when the smallest image was run, in one line; empty if nothing did, or if it cannot be tried."""
    machine = MACHINES.get(platform.machine())
    if machine is None:
        return ""
    try:
        with temporary_folder("pystatic-trial-") as folder:
            return run_and_forget(engine, write_image(folder / "image.tar", smallest_program(machine)))
    except ImageError as error:
        return complaint(error)


def complaint(error: ImageError) -> str:
    """The line of an engine's output that gives the reason; Docker's last line only repeats that it did not start."""
    said = [line for line in error.details if not line.startswith(NOT_STARTED)]
    return (said[-1] if said else error.problem).rstrip(".")


def run_and_forget(engine: Engine, artifact: Artifact) -> str:
    """What went wrong, as in `try_out`; ImageError if the engine itself fails."""
    try:
        engine.load(artifact)
        container = engine.start(artifact, POLICY, ())
        try:
            return outcome(container)
        finally:
            container.remove()
    finally:
        engine.unload(artifact)


def outcome(container: Container) -> str:
    """What is wrong with the program's end; empty if nothing is."""
    code = container.wait(SECONDS)
    if code == 0:
        return ""
    if code is None:
        return f"a program that ends at once is still running after {SECONDS:.0f} seconds"
    said = container.output().strip().splitlines()
    return said[-1].rstrip(".") if said else f"a program that ends with exit code 0 ended with exit code {code}"


def write_image(path: Path, program: bytes) -> Artifact:
    """An image with only one program; each is unique, so that removing it never removes another image."""
    token = secrets.token_hex(8)
    runtime = Runtime(
        platform=host_platform(),
        user=POLICY.user,
        entrypoint=[PROGRAM],
        env=[],
        ports=[],
        labels={"pystatic-tasks.trial": token},
    )
    layer = make_layer("program", [Entry(path=PROGRAM, mode=0o755, content=program)], 0, {"gzip": gzip.compress})
    image = make_image([layer], runtime, 0, "gzip")
    references = [f"pystatic-trial-{token}:latest"]
    path.write_bytes(write_archive(image, references))
    written = Written(digest=image.digest, image_id=image.image_id, references=references)
    return Artifact(
        archive=path,
        image_id=image.image_id,
        references=references,
        entrypoint=PROGRAM,
        env={},
        port=None,
        written=written,
    )


def smallest_program(machine: Machine) -> bytes:
    """A static executable that ends with exit code 0: the header, one segment, its code.

    https://refspecs.linuxfoundation.org/elf/gabi4+/contents.html
    """
    identity = b"\x7fELF" + bytes([2, 1, 1])  # 64 bits, little-endian, version 1.
    before = HEADER.size + SEGMENT.size
    size = before + len(machine.code)
    start = ADDRESS + before
    header = HEADER.pack(identity, EXECUTABLE, machine.number, 1, start, HEADER.size, 0, 0, *SIZES)
    segment = SEGMENT.pack(LOADED, READ_AND_EXECUTE, 0, ADDRESS, ADDRESS, size, size, PAGE)
    return header + segment + machine.code
