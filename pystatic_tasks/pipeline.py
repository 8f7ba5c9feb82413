"""The manifest that each step leaves, and when a step may be skipped.

A manifest is a JSON file with what the step made (`outputs`, by path, size and hash),
a hash of what it was made from (`inputs`), one of the configuration that freeze was asked with
(`asked`), and what the next step wants to know (`facts`).
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import shutil
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pystatic_tasks.config.convert import nearest
from pystatic_tasks.config.model import Image
from pystatic_tasks.errors import MAKE_WRITABLE, NO_SPACE, ConfigError, PystaticError

STEPS = ("freeze", "staticx", "image", "smoke", "sbom", "push", "index")
# What each step reads the results of.
BEFORE = {"staticx": "freeze", "image": "staticx", "smoke": "image", "sbom": "image", "push": "image"}
# Steps that change what is outside of the project: run only where they are asked for by name.
ON_REQUEST = ("push", "index")
DESCRIPTIONS = {
    "freeze": "Freeze {name} into one program.",
    "staticx": "Make one static executable of {name}.",
    "image": "Write the container image of {name}.",
    "smoke": "Run the image of {name} and hold it to its contract.",
    "sbom": "Say what is inside the image of {name}.",
    "push": "Push the image of {name} to registries.",
    "index": "Join archives of {name} for several platforms, and push them.",
}
# What `beside` writes to, before it takes its place.
TEMPORARY_NAMES = ".*.part"


def check_steps(names: Iterable[str], place: str) -> None:
    """Raises ConfigError if one of the names, given in a call in `place`, is no step."""
    for name in names:
        if name not in STEPS:
            raise unknown_step(name, place)


def steps_before(step: str) -> list[str]:
    """The steps that a step follows from, the nearest first."""
    before = BEFORE.get(step)
    return [before, *steps_before(before)] if before else []


def unknown_step(name: str, place: str) -> ConfigError:
    return ConfigError(f'There is no step "{name}"; {nearest(name, STEPS)}', f"Correct the call in {place}.")


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What a step left."""

    asked: str
    inputs: str
    outputs: Mapping[str, str]
    facts: Mapping[str, Any]


def fingerprint(parts: Any) -> str:
    """The SHA-256 of anything that JSON and `str` can write down."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


def walk(folder: Path, leave_out: Callable[[Path], bool] = lambda _: False) -> Iterator[Path]:
    """Everything below a folder, folders before what stands in them, links to folders followed once."""
    yield from _walk(folder, leave_out, frozenset([folder.resolve()]))


def source_files(folder: Path) -> Iterator[Path]:
    """The project's files, without what tools leave beside them."""
    results = (folder / "build", folder / "dist")
    found = walk(folder, leave_out=lambda path: path in results or is_left_by_tools(path))
    return (path for path in found if path.is_file())


def is_left_by_tools(folder: Path) -> bool:
    """Caches and environments: hidden folders, bytecode, virtual environments, metadata of builds."""
    hidden = folder.name.startswith(".") or folder.name in ("__pycache__", "node_modules")
    return hidden or folder.name.endswith(".egg-info") or (folder / "pyvenv.cfg").exists()


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
    return hash_files(path, (each for each in walk(path) if each.suffix != ".pyc"))


def hash_files(folder: Path, paths: Iterable[Path]) -> str:
    """One hash of those paths below a folder that are files, by name and content."""
    return fingerprint([(str(each.relative_to(folder)), hash_file(each)) for each in sorted(paths) if each.is_file()])


def hash_file(path: Path) -> str:
    """The SHA-256 of a file, or "" if there is none."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as stream:
            while block := stream.read(2**20):
                digest.update(block)
    except OSError:
        return ""
    return digest.hexdigest()


def stamps(paths: Iterable[str]) -> dict[str, list[int]]:
    """Size in bytes and time of the last change of files that are too many to be hashed each time; no others."""
    found = {path: Path(path).stat() for path in paths if Path(path).exists()}
    return {path: [stat.st_size, stat.st_mtime_ns] for path, stat in found.items()}


def manifest_path(image: Image, step: str) -> Path:
    return image.work / f"{step}.json"


def write_manifest(
    image: Image, step: str, *, inputs: str, outputs: Sequence[Path], facts: Mapping[str, Any]
) -> Manifest:
    hashes = {str(path): hash_file(path) for path in outputs}
    manifest = Manifest(asked=asked_of_freeze(image), inputs=inputs, outputs=hashes, facts=facts)
    write_whole(manifest_path(image, step), json.dumps({"step": step, **asdict(manifest)}, indent=2) + "\n")
    return manifest


def read_manifest(image: Image, step: str) -> Manifest | None:
    """What the step left, if all of it is still there as it was."""
    try:
        content = json.loads(manifest_path(image, step).read_text(encoding="utf-8"))
        del content["step"]
        manifest = Manifest(**content)
        intact = all(hash_file(Path(path)) == digest != "" for path, digest in manifest.outputs.items())
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None
    return manifest if intact else None


def unchanged(image: Image, step: str, inputs: str) -> Manifest | None:
    """What the step left, if it would leave the same again."""
    there = read_manifest(image, step)
    same = there is not None and (there.asked, there.inputs) == (asked_of_freeze(image), inputs)
    return there if same else None


def asked_of_freeze(image: Image) -> str:
    """One hash of the configuration that a frozen program follows from.

    Nox takes a skipped session for a success, so the steps after freeze must see themselves
    whether what it left is of the configuration at hand.
    """
    target = [image.app, image.script, image.command, image.python, image.layout]
    return fingerprint(
        [target, image.install, image.groups, image.requirements, image.locked, image.server, asdict(image.freeze)]
    )


def kept_folder(image: Image, name: str, *, use_cache: bool) -> Path:
    """The work folder of what a step keeps for its next run; emptied if nothing of earlier runs is to be used."""
    folder = image.work / "kept" / name
    if not use_cache:
        shutil.rmtree(folder, ignore_errors=True)
    return folder


def require_manifest(image: Image, step: str) -> Manifest:
    """What the step before left.

    Raises:
        PystaticError: the step was not run, its results are gone, or were made for another configuration.
    """
    manifest = read_manifest(image, step)
    if manifest is not None and manifest.asked != asked_of_freeze(image):
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


def unwritable_folder(root: Path) -> PystaticError | None:
    """What is wrong if nothing can be built in this folder."""
    for name in ("build", "dist"):
        folder = root / name if (root / name).is_dir() else root
        if not os.access(folder, os.W_OK | os.X_OK):
            return PystaticError(
                f"The folder {folder} is not writable.",
                MAKE_WRITABLE,
            )
    return None


@contextlib.contextmanager
def only_one(image: Image, say: Callable[[str], None]) -> Iterator[None]:
    """Work on an image while nobody else on this machine does; waits for whoever does.

    What a killed build left half-written beside the results is removed.
    """
    image.work.mkdir(parents=True, exist_ok=True)
    with (image.work / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"another build of {image.name} is running here; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        for folder in (image.work, image.dist):
            for path in folder.glob(TEMPORARY_NAMES):
                path.unlink(missing_ok=True)
        yield


@contextlib.contextmanager
def beside(path: Path) -> Iterator[Path]:
    """A path to write to; what is there afterwards takes the place of `path` at once, or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.part")
    try:
        yield temporary
        temporary.replace(path)
    except OSError as error:
        if error.errno in NO_SPACE:
            error.filename, error.filename2 = str(path), None
        raise
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def replacement(path: Path, text: str) -> Iterator[None]:
    """Write a file of the user's anew, with its mode and owner; it takes its place if what is done meanwhile goes well.

    Raises:
        OSError: it cannot be written.
    """
    for each in (path, path.parent):
        if each.exists() and not os.access(each, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    with beside(path) as temporary:
        temporary.write_bytes(text.encode())
        if path.exists():
            shutil.copymode(path, temporary)
            with contextlib.suppress(PermissionError):
                os.chown(temporary, path.stat().st_uid, path.stat().st_gid)
        yield


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file that appears whole or not at all."""
    with beside(path) as temporary:
        temporary.write_bytes(content if isinstance(content, bytes) else content.encode())


def move_whole(source: Path, target: Path, mode: int) -> None:
    """Put a finished file in its place at once."""
    with beside(target) as temporary:
        shutil.copyfile(source, temporary)
        temporary.chmod(mode)


def shown(image: Image, path: Path) -> str:
    """A path as the user would type it in the project's folder."""
    return str(path.relative_to(image.root)) if path.is_relative_to(image.root) else str(path)


def megabytes(size_bytes: int) -> str:
    """Decimal megabytes, as engines show them."""
    return f"{size_bytes / 1e6:.2f} MB"
