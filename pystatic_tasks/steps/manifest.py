"""The manifest of each step, and when a step may be skipped.

A manifest is a JSON file with the files that the step made (`outputs`: the hash of each file or the target of each
link, by path), a hash of what it was made from (`inputs`), a hash of the configuration for freeze
(`asked`), what later steps need (`result`), the project's folder (`root`), and a hash of all this (`checksum`).

A manifest that anyone else has changed counts as none, since later steps rely on each of its values; so does one in a
copy of the folder, since the outputs that it names are those of the original.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from pystatic_tasks.config.model import ImageConfig, shown
from pystatic_tasks.config.rules import REPOSITORY
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

# A reference by digest, which is printed, and put into YAML, without quotes or escapes.
REFERENCE = re.compile(rf"{REPOSITORY}@sha256:[0-9a-f]+", re.ASCII)

AnyResult = TypeVar("AnyResult", bound=Result)
Record = TypeVar("Record")


@dataclass(frozen=True, kw_only=True)
class Manifest(Generic[AnyResult]):
    """The manifest of a step."""

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
    about = {"step": result.step, "root": str(config.root), "asked": manifest.asked, "inputs": inputs}
    content = {**about, "outputs": states, "result": to_json(result)}
    text = json.dumps({**content, "checksum": fingerprint(content)}, indent=2)
    write_whole(manifest_path(config, result.step), f"{text}\n")
    return manifest


def state_of(path: Path) -> str:
    """What an image gets of an output: a link's target, or a file's hash and whether it is executable.

    "" if it is neither.
    """
    if path.is_symlink():
        return f"link to {path.readlink()}"
    digest = hash_file(path)
    return f"{digest}, executable" if digest and is_executable(path) else digest


def read_manifest(config: ImageConfig, kind: type[AnyResult]) -> Manifest[AnyResult] | None:
    """The manifest with this kind of result, if it and all of its outputs are unchanged."""
    try:
        content = read_json(manifest_path(config, kind.step))
        if content.pop("checksum") != fingerprint(content):
            return None
        manifest = Manifest(
            asked=content["asked"],
            inputs=content["inputs"],
            outputs=content["outputs"],
            result=from_json(kind, content["result"]),
        )
        is_own = content["root"] == str(config.root)
        intact = is_own and all(state_of(Path(path)) == state != "" for path, state in manifest.outputs.items())
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None
    return manifest if intact else None


def unchanged(config: ImageConfig, kind: type[AnyResult], inputs: str) -> AnyResult | None:
    """The step's result, if it would make the same again."""
    there = read_manifest(config, kind)
    same = there is not None and (there.asked, there.inputs) == (asked_of_freeze(config), inputs)
    return there.result if there and same else None


def asked_of_freeze(config: ImageConfig) -> str:
    """One hash of the configuration that decides the frozen program.

    Nox treats a skipped session as a success, so the steps after freeze must check themselves
    whether its result is for the current configuration.
    """
    target = [config.app, config.script, config.command, config.python, config.layout, config.used_packer]
    return fingerprint(
        [
            target,
            config.install,
            config.groups,
            config.requirements,
            config.locked,
            # In this order, which is kept in the program.
            json.dumps(plain(config.server), default=str),
            asdict(config.freeze),
            asdict(config.slim),
        ]
    )


def cache_folder(config: ImageConfig, name: str, *, use_cache: bool) -> Path:
    """The work folder for what a step keeps for its next run; emptied if earlier results must not be used."""
    folder = config.work / "kept" / name
    if not use_cache:
        shutil.rmtree(folder, ignore_errors=True)
    return folder


def kept_by(folder: Path, made_by: object) -> Path:
    """The subfolder of a `cache_folder` for code with these hashes; what other code kept is removed."""
    own = folder / fingerprint(made_by)
    for each in folder.glob("*"):
        if each != own:
            shutil.rmtree(each) if each.is_dir() else each.unlink()
    return own


def require_manifest(config: ImageConfig, kind: type[AnyResult]) -> Manifest[AnyResult]:
    """The manifest of an earlier step.

    Raises:
        PystaticError: the step was not run, its results are gone, or they are for another configuration.
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
    """The result of an earlier step; raises the same errors as `require_manifest`."""
    return require_manifest(config, kind).result


def report_path(config: ImageConfig, step: str) -> Path:
    """The JSON file among the results in which a step reports what it did."""
    return config.dist / f"{step}.json"


def write_report(config: ImageConfig, result: Result) -> None:
    """Write a step's report among the results."""
    write_whole(report_path(config, result.step), json.dumps(to_json(result), indent=2) + "\n")


def read_report(path: Path) -> dict[str, Any]:
    """The content of a step's report; empty if there is none, or the file is not a report."""
    try:
        report = read_json(path)
    except (OSError, ValueError):
        return {}
    return report if isinstance(report, dict) else {}


def references_in(report: Mapping[str, Any]) -> list[str]:
    """The references by digest in the report of a push."""
    found = report.get("references")
    texts = [each for each in found if isinstance(each, str)] if isinstance(found, list) else []
    return [each for each in texts if REFERENCE.fullmatch(each)]


def read_record(path: Path, kind: type[Record]) -> Record | None:
    """The content of a file among the results; None if it does not exist, or no step would write it."""
    try:
        content = read_json(path)
        return from_json(kind, content) if is_counted(content) else None
    except (OSError, ValueError):
        return None


def is_counted(content: object) -> bool:
    """Whether it is not nested deeply, and its whole numbers are in the range of counts."""
    if is_nested_deeper(content):
        return False
    return all(0 <= each <= LARGEST for each in inside(content) if isinstance(each, int))


@contextlib.contextmanager
def locked(path: Path, wait: Callable[[], None]) -> Iterator[None]:
    """Hold the lock of a file; if another process holds it, call `wait` and wait for it.

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

    The lock belongs to the process, which may take it again. It is released at the end of the block. If the block
    succeeds and `is_kept` returns true, it is kept until the end of the next block, or of the process.
    Half-written results of a killed build are removed, and so are links that lead out of the work files.

    Raises:
        PystaticError: the other process waits for an image that this one works on; or there is a link on the way to the
            work files or the results.
    """
    # Both now, so that code that lists the project's folder while it is frozen finds the same next time.
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
        # When a process closes any descriptor of a file, it loses all of its locks of the file.
        if not kept:
            os.close(descriptor)


def release(config: ImageConfig) -> None:
    """Let other processes work on an image although this one continues, even if its lock was to be kept."""
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
