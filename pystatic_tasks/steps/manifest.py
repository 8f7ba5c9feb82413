"""The manifest that each step leaves, and when a step may be skipped.

A manifest is a JSON file with what the step made (`outputs`: by path, the hash of a file, and where a link leads),
a hash of what it was made from (`inputs`), one of the configuration that freeze was asked with
(`asked`), and what the next step wants to know (`result`).
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Generic, TypeVar

from pystatic_tasks.config.model import ImageConfig, shown
from pystatic_tasks.config.unwieldy import LARGEST, inside, is_nested_deeper
from pystatic_tasks.errors import PystaticError
from pystatic_tasks.in_env.records import from_json, plain, to_json
from pystatic_tasks.steps.folders import make_folders, remove_links_out
from pystatic_tasks.steps.results import Result
from pystatic_tasks.system import locks
from pystatic_tasks.system.files import (
    TEMPORARY_NAMES,
    fingerprint,
    hash_file,
    is_executable,
    read_json,
    write_whole,
)
from pystatic_tasks.system.texts import quoted

AnyResult = TypeVar("AnyResult", bound=Result)
Record = TypeVar("Record")


@dataclass(frozen=True, kw_only=True)
class Manifest(Generic[AnyResult]):
    """What a step left."""

    asked: str
    inputs: str
    outputs: Mapping[str, str]
    result: AnyResult


def manifest_path(config: ImageConfig, step: str) -> Path:
    return config.work / f"{step}.json"


def write_manifest(
    config: ImageConfig, result: AnyResult, *, inputs: str, outputs: Sequence[Path]
) -> Manifest[AnyResult]:
    states = {str(path): state_of(path) for path in outputs}
    manifest = Manifest(asked=asked_of_freeze(config), inputs=inputs, outputs=states, result=result)
    content = {"step": result.step, "asked": manifest.asked, "inputs": inputs, "outputs": states}
    text = json.dumps({**content, "result": to_json(result)}, indent=2)
    write_whole(manifest_path(config, result.step), f"{text}\n")
    return manifest


def state_of(path: Path) -> str:
    """What an image gets of an output: where a link leads, or a file's hash and whether it may be executed.

    "" if it is neither.
    """
    if path.is_symlink():
        return f"link to {path.readlink()}"
    digest = hash_file(path)
    return f"{digest}, executable" if digest and is_executable(path) else digest


def read_manifest(config: ImageConfig, kind: type[AnyResult]) -> Manifest[AnyResult] | None:
    """What the step of that kind of result left, if all of it is still there as it was."""
    try:
        content = read_json(manifest_path(config, kind.step))
        manifest = Manifest(
            asked=content["asked"],
            inputs=content["inputs"],
            outputs=content["outputs"],
            result=from_json(kind, content["result"]),
        )
        intact = all(state_of(Path(path)) == state != "" for path, state in manifest.outputs.items())
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None
    return manifest if intact else None


def unchanged(config: ImageConfig, kind: type[AnyResult], inputs: str) -> AnyResult | None:
    """What the step left, if it would leave the same again."""
    there = read_manifest(config, kind)
    same = there is not None and (there.asked, there.inputs) == (asked_of_freeze(config), inputs)
    return there.result if there and same else None


def asked_of_freeze(config: ImageConfig) -> str:
    """One hash of the configuration that a frozen program follows from.

    Nox takes a skipped session for a success, so the steps after freeze must see themselves
    whether what it left is of the configuration at hand.
    """
    target = [config.app, config.script, config.command, config.python, config.layout, config.used_packer]
    return fingerprint(
        [
            target,
            config.install,
            config.groups,
            config.requirements,
            config.locked,
            # In their order, which is that in the program.
            json.dumps(plain(config.server), default=str),
            asdict(config.freeze),
            asdict(config.slim),
        ]
    )


def cache_folder(config: ImageConfig, name: str, *, use_cache: bool) -> Path:
    """The work folder of what a step keeps for its next run; emptied if nothing of earlier runs is to be used."""
    folder = config.work / "kept" / name
    if not use_cache:
        shutil.rmtree(folder, ignore_errors=True)
    return folder


def kept_by(folder: Path, made_by: object) -> Path:
    """The folder in one of `cache_folder` for what code of these hashes keeps; what other code kept is removed."""
    own = folder / fingerprint(made_by)
    for each in folder.glob("*"):
        if each != own:
            shutil.rmtree(each) if each.is_dir() else each.unlink()
    return own


def require_manifest(config: ImageConfig, kind: type[AnyResult]) -> Manifest[AnyResult]:
    """What the step before left.

    Raises:
        PystaticError: the step was not run, its results are gone, or were made for another configuration.
    """
    manifest = read_manifest(config, kind)
    if manifest is not None and manifest.asked != asked_of_freeze(config):
        raise PystaticError(
            f"The results of {kind.step} for {config.name} in {config.work} are of another configuration.",
            "Run freeze again: it was skipped (Nox does so if an interpreter is missing), "
            "or there was a build with other options in between.",
        )
    if manifest is None:
        raise PystaticError(
            f"The results of {kind.step} for {config.name} are not in {config.work}.",
            f"Run the {kind.step} session first (it runs by itself unless Nox gets --no-dependencies).",
        )
    return manifest


def require_result(config: ImageConfig, kind: type[AnyResult]) -> AnyResult:
    """The result of the step before; raises as `require_manifest` does."""
    return require_manifest(config, kind).result


def report_path(config: ImageConfig, step: str) -> Path:
    """The JSON file among the results in which a step says what it did."""
    return config.dist / f"{step}.json"


def write_report(config: ImageConfig, result: Result) -> None:
    """Write what a step did where the user finds it."""
    write_whole(report_path(config, result.step), json.dumps(to_json(result), indent=2) + "\n")


def read_record(path: Path, kind: type[Record]) -> Record | None:
    """What a file among the results says; None if it is not there, or is none that a step writes."""
    try:
        content = read_json(path)
        return from_json(kind, content) if is_counted(content) else None
    except (OSError, ValueError):
        return None


def is_counted(content: object) -> bool:
    """Whether all whole numbers in it count something that there may be, and nothing lies deep in it."""
    if is_nested_deeper(content):
        return False
    return all(0 <= each <= LARGEST for each in inside(content) if isinstance(each, int))


@contextlib.contextmanager
def locked(path: Path, wait: Callable[[], None]) -> Iterator[None]:
    """Hold the lock in a file; whoever finds that somebody else holds it is told by `wait`, and waits.

    Raises:
        PystaticError: the file is a link.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with locks.opened(path) as lock:
        if not locks.try_lock(lock):
            wait()
            locks.wait_for_lock(lock)
        yield


@contextlib.contextmanager
def only_one(
    config: ImageConfig, say: Callable[[str], None], is_kept: Callable[[], bool] = lambda: False
) -> Iterator[None]:
    """Work on an image while no other process of this machine does; waits for one that does.

    The lock belongs to the process, which may take it again. It ends with what is done meanwhile, or, if that went well
    and `is_kept` says that more is to come, with what is done under it next, or with the process.
    What a killed build left half-written beside the results is removed, and links that lead out of the work files.

    Raises:
        PystaticError: the other process waits for an image that this one works on; or a link is on the way to the
            work files or the results.
    """
    # Both now: what lists the project's folder while it is frozen is to find the same the next time.
    make_folders(config.root, config.work, config.dist)
    descriptor = locks.open_lock(config.work / "lock")
    kept = False
    try:
        wait_for_lock(descriptor, config, say)
        for folder in (config.work, config.dist):
            for path in folder.glob(TEMPORARY_NAMES):
                path.unlink(missing_ok=True)
        for name in remove_links_out(config.work):
            say(f"removed {quoted(name)} from {shown(config, config.work)}: a link that leads out")
        yield
        kept = locks.BELONG_TO_PROCESSES and is_kept()
    finally:
        # Whatever of its descriptors a process closes first, its locks of the file are gone.
        if not kept:
            os.close(descriptor)


def release(config: ImageConfig) -> None:
    """Let other processes work on an image though this one goes on, whoever in it said that more is to come."""
    os.close(locks.open_lock(config.work / "lock"))


def wait_for_lock(descriptor: int, config: ImageConfig, say: Callable[[str], None]) -> None:
    if locks.try_lock(descriptor, of_process=True):
        return
    say(f"another build of {config.name} is running here; waiting for it")
    try:
        locks.wait_for_lock(descriptor, of_process=True)
    except OSError as error:
        if error.errno != errno.EDEADLK:
            raise
        raise PystaticError(
            f"Another build is building {config.name} and waits for an image that this build has.",
            "Run the two builds one after the other.",
        ) from None
