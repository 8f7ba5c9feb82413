"""Runs in the container: freezes and packs a copy of the project, and gathers the results."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pystatic_tasks.bom.components import makers_of
from pystatic_tasks.config import ImageConfig, load_config
from pystatic_tasks.config.load import pick_image
from pystatic_tasks.config.options import parse_options
from pystatic_tasks.errors import PystaticError
from pystatic_tasks.fronts.container import places
from pystatic_tasks.fronts.container.ignored import Said, told_of_copy
from pystatic_tasks.fronts.container.written import WrittenHere
from pystatic_tasks.fronts.nox_process import Call, run, tell
from pystatic_tasks.fronts.rebuild.elsewhere import copy_project
from pystatic_tasks.in_env.attribution.packages import packages_of
from pystatic_tasks.in_env.records import from_json, to_json
from pystatic_tasks.steps.image.rootfs import timezone_files
from pystatic_tasks.steps.manifest import read_manifest, require_result
from pystatic_tasks.steps.results import Frozen, Packed, Result, SystemCopy
from pystatic_tasks.steps.secrets.ignored import tell as tell_of_git
from pystatic_tasks.steps.secrets.written import Written, remember, remembered
from pystatic_tasks.system.certificates import find_bundle
from pystatic_tasks.system.timezones import TIMEZONES

# Below the project's folder; kept from one copy to the next.
KEPT_FOLDERS = ("build/pystatic", "dist/pystatic")


@dataclass(frozen=True, kw_only=True)
class Question:
    """What to build.

    Attributes:
        root: The project's folder, below `places.PROJECT`.
        image: Name of the image.
        words: The options, as words of a command line.
        overrides: Configuration that takes precedence over pyproject.toml.
        requirements: The requirements of our own tools.
        variables: Environment variables; `enter` has already set them.
        said: What git ignores in the project on the caller's machine.
        written: What the program wrote there in earlier builds.
    """

    root: str
    image: str
    words: tuple[str, ...]
    overrides: Mapping[str, Any]
    requirements: tuple[str, ...]
    variables: Mapping[str, str]
    said: tuple[Said, ...]
    written: WrittenHere


def main() -> int:
    """Build, and return the exit code of the step."""
    question = from_json(Question, json.loads(Path(places.QUESTION).read_text(encoding="utf-8")))
    try:
        here = read_config(question, Path(places.PROJECT, question.root))
        root = renew_copy(here, Path(places.KEPT), question.written)
        config = read_config(question, root)
        remember_also(config, question.written.at(root))
        os.environ.update(tell_of_git(told_of_copy(question.said, root), Path(places.IGNORED)))
        code = run(
            Call(
                root=root,
                step="staticx",
                images=(question.image,),
                words=question.words,
                overrides=question.overrides,
            )
        )
        copy_logs(config, Path(places.RESULTS))
        if code == 0:
            leave_results(config, Path(places.RESULTS))
        keep(root, Path(places.KEPT))
        return code
    except (PystaticError, OSError) as error:
        return tell(error)


def read_config(question: Question, root: Path) -> ImageConfig:
    options = parse_options(question.words)
    configs = load_config(root, overrides=question.overrides, environment=os.environ, options=options.config)
    return pick_image(configs, question.image)


def renew_copy(config: ImageConfig, folder: Path, written: WrittenHere) -> Path:
    """Copy the project as it is now, keep the results of builds from the last copy, and return the copy's folder."""
    copies = folder / Path(places.COPY).name
    shutil.rmtree(copies, ignore_errors=True)
    copies.mkdir(parents=True)
    root = copy_project(config, copies, keeps_times=True, written=written.at(config.root))
    for name in KEPT_FOLDERS:
        if (folder / name).is_dir():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).rename(root / name)
    return root


def remember_also(config: ImageConfig, written: Written) -> None:
    """Have files of the copy count as written by the program, beside those that it wrote in the container."""
    earlier = remembered(config)
    remember(config, replace(earlier, made=earlier.made | written.made, changed=earlier.changed | written.changed))


def keep(root: Path, folder: Path) -> None:
    """Move build results to where the next copy finds them."""
    for name in KEPT_FOLDERS:
        if (root / name).is_dir():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).rename(folder / name)


def copy_logs(config: ImageConfig, results: Path) -> None:
    (results / "logs").mkdir(parents=True)
    for log in config.work.glob("*.log"):
        shutil.copyfile(log, results / "logs" / log.name)


def leave_results(config: ImageConfig, results: Path) -> None:
    """Gather what later steps need outside the container: the results of steps, and system files."""
    frozen = require_result(config, Frozen)
    wanted = list(system_paths(config, frozen))
    for path in wanted:
        copy = results / "system" / path.lstrip("/")
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    packages = packages_of([*wanted, *makers_of(wanted)])
    leave(results, replace(frozen, system_copy=SystemCopy(folder=results / "system", packages=packages)))
    if config.layout == "tree":
        shutil.copytree(frozen.program, results / "program", symlinks=True)
    packed = read_manifest(config, Packed)
    if config.used_packer and packed:
        leave(results, packed.result)
        shutil.copyfile(config.dist / config.name, results / "program")


def system_paths(config: ImageConfig, frozen: Frozen) -> Iterator[str]:
    """The system files that the image may contain."""
    yield from frozen.system_files
    bundle = find_bundle()
    if config.image.certificates and bundle:
        yield str(bundle)
    yield from map(str, timezones()) if config.image.timezones else ()


def timezones() -> Iterable[Path]:
    folder = Path(TIMEZONES)
    return timezone_files(folder) if folder.is_dir() else ()


def leave(results: Path, result: Result) -> None:
    (results / f"{result.step}.json").write_text(json.dumps(to_json(result)), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
