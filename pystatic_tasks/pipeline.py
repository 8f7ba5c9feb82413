"""The manifest that each step leaves, and when a step may be skipped.

A manifest is a JSON file with what the step made (`outputs`, by path, size and hash),
a hash of what it was made from (`inputs`), and what the next step wants to know (`facts`).
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pystatic_tasks.config.model import Image
from pystatic_tasks.errors import PystaticError

STEPS = ("freeze", "staticx", "image", "smoke")


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What a step left."""

    inputs: str
    outputs: Mapping[str, str]
    facts: Mapping[str, Any]


def fingerprint(parts: Any) -> str:
    """The SHA-256 of anything that JSON and `str` can write down."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


def walk(folder: Path, leave_out: Callable[[Path], bool] = lambda _: False) -> Iterator[Path]:
    """Everything below a folder, folders before what stands in them, links to folders followed once."""
    yield from _walk(folder, leave_out, frozenset([folder.resolve()]))


def _walk(folder: Path, leave_out: Callable[[Path], bool], above: frozenset[Path]) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if not path.is_dir():
            yield path
        elif path.resolve() not in above and not leave_out(path):
            yield path
            yield from _walk(path, leave_out, above | {path.resolve()})


def hash_tree(path: Path) -> str:
    """One hash of a file, or of all files below a folder; "" if there is neither."""
    if not path.is_dir():
        return hash_file(path)
    files = [each for each in walk(path) if each.is_file() and each.suffix != ".pyc"]
    return fingerprint([(str(each.relative_to(path)), hash_file(each)) for each in files])


def hash_file(path: Path) -> str:
    """The SHA-256 of a file, or "" if there is none."""
    try:
        with path.open("rb") as stream:
            return (
                hashlib.file_digest(stream, "sha256").hexdigest() if hasattr(hashlib, "file_digest") else _hash(stream)
            )
    except OSError:
        return ""


def _hash(stream: Any) -> str:
    digest = hashlib.sha256()
    while block := stream.read(2**20):
        digest.update(block)
    return digest.hexdigest()


def manifest_path(image: Image, step: str) -> Path:
    return image.work / f"{step}.json"


def write_manifest(
    image: Image, step: str, *, inputs: str, outputs: Sequence[Path], facts: Mapping[str, Any]
) -> Manifest:
    facts = {**facts, "asked": asked_of_freeze(image)}
    manifest = Manifest(inputs=inputs, outputs={str(path): hash_file(path) for path in outputs}, facts=facts)
    content = {"step": step, "inputs": inputs, "outputs": manifest.outputs, "facts": facts}
    write_whole(manifest_path(image, step), json.dumps(content, indent=2) + "\n")
    return manifest


def read_manifest(image: Image, step: str) -> Manifest | None:
    """What the step left, if all of it is still there as it was."""
    try:
        content = json.loads(manifest_path(image, step).read_text(encoding="utf-8"))
        manifest = Manifest(inputs=content["inputs"], outputs=content["outputs"], facts=content["facts"])
        intact = all(hash_file(Path(path)) == digest != "" for path, digest in manifest.outputs.items())
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None
    return manifest if intact else None


def asked_of_freeze(image: Image) -> str:
    """One hash of the configuration that a frozen program follows from.

    Nox takes a skipped session for a success, so the steps after freeze must see themselves
    whether what it left is of the configuration at hand.
    """
    target = [image.app, image.script, image.command, image.python]
    return fingerprint([target, image.install, image.groups, image.requirements, image.server, asdict(image.freeze)])


def require_manifest(image: Image, step: str) -> Manifest:
    """What the step before left.

    Raises:
        PystaticError: the step was not run, its results are gone, or were made for another configuration.
    """
    manifest = read_manifest(image, step)
    if manifest is not None and manifest.facts.get("asked") != asked_of_freeze(image):
        raise PystaticError(
            f"What {step} left for {image.name} in {image.work} is of another configuration.",
            "See whether the freeze session was skipped (Nox does so where an interpreter is missing).",
        )
    if manifest is None:
        raise PystaticError(
            f"What {step} leaves for {image.name} is not in {image.work}.",
            f"Run the {step} session first (it runs by itself unless Nox was told --no-dependencies).",
        )
    return manifest


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file that appears whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        if isinstance(content, bytes):
            beside.write_bytes(content)
        else:
            beside.write_text(content, encoding="utf-8")
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def move_whole(source: Path, target: Path, mode: int) -> None:
    """Put a finished file in its place at once."""
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        shutil.copyfile(source, beside)
        beside.chmod(mode)
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)


def shown(image: Image, path: Path) -> str:
    """A path as the user would type it in the project's folder."""
    return str(path.relative_to(image.root)) if path.is_relative_to(image.root) else str(path)


def megabytes(size_bytes: int) -> str:
    """Decimal megabytes, as engines show them."""
    return f"{size_bytes / 1e6:.2f} MB"
