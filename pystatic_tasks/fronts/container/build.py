"""Runs the container that freezes and packs, and puts its results where the later steps look for them."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from importlib.metadata import distribution
from pathlib import Path, PurePosixPath
from typing import TypeVar

from pystatic_tasks.bom.components import OURS
from pystatic_tasks.config.hiding import hiding
from pystatic_tasks.config.model import HERE, ImageConfig, shown
from pystatic_tasks.config.variables import caller_values
from pystatic_tasks.engines.base import call
from pystatic_tasks.engines.registry import engine_called
from pystatic_tasks.errors import ConfigError, FreezeError, MissingToolError, PystaticError, StaticxError
from pystatic_tasks.fronts.container import outcome, places
from pystatic_tasks.fronts.container.builder import check_emulated, chosen, ensure_builder
from pystatic_tasks.fronts.container.handed import Handed, hand_in
from pystatic_tasks.fronts.container.ignored import ask
from pystatic_tasks.fronts.container.inside import Question
from pystatic_tasks.fronts.container.written import written_here
from pystatic_tasks.fronts.rebuild.elsewhere import find_repository, folders_of, named_places
from pystatic_tasks.in_env.records import from_json, to_json
from pystatic_tasks.oci.tar_entries import problem
from pystatic_tasks.steps.context import StepContext
from pystatic_tasks.steps.folders import ways
from pystatic_tasks.steps.image.rootfs import LAYERS
from pystatic_tasks.steps.manifest import manifest_path, write_manifest
from pystatic_tasks.steps.results import Frozen, Packed, Result
from pystatic_tasks.system.certificates import BUNDLES
from pystatic_tasks.system.files import fingerprint, move_whole, read_json
from pystatic_tasks.system.git import shared_git_folder
from pystatic_tasks.system.processes import run_logged, undisturbed
from pystatic_tasks.system.timezones import TIMEZONES

PACKAGE = Path(__file__).resolve().parents[2]
ENTER = PurePosixPath(places.PACKAGE, PACKAGE.name, "fronts/container/enter.py")
EXECUTABLE_MODE = 0o755
WINDOWS = os.name == "nt"
# Nox's own messages.
CHATTER = re.compile(
    r"Running session|Creating virtual environment|Reusing existing|uv binary not found"
    r"|Session .* (was successful|skipped)|Ran \d+ sessions|\* "
)
PREFIX = "nox > "
KINDS: tuple[type[PystaticError], ...] = (ConfigError, MissingToolError, FreezeError, StaticxError)
AnyResult = TypeVar("AnyResult", bound=Result)


def freeze_and_pack(
    config: ImageConfig,
    context: StepContext,
    words: Sequence[str],
    overrides: Mapping[str, object],
    platform: str | None,
) -> None:
    """Produce the results of the steps freeze and staticx in a container, as far as the later steps need them.

    Args:
        config: The image to build, and the engine to freeze it in.
        context: The context of the calling step.
        words: The options for the steps in the container.
        overrides: Configuration that takes precedence over pyproject.toml.
        platform: The OCI platform of the container; None for the engine's default.

    Raises:
        ConfigError: the container cannot be created as configured.
        MissingToolError: the engine or git does not work here, or the configured build image lacks something.
        FreezeError: the results contain links that lead out of their folder.
        PystaticError: of the kind of the step that failed in the container.
    """
    check_engine(config)
    check_links(config)
    said = ask(config)
    mounts = mounted(config)
    builder = ensure_builder(config, context, platform)
    # The folder is removed first: a process that is killed soon after SIGTERM has no time to wait for the engine.
    with (
        kept_unless_interrupted(config, builder),
        removed(config, container_name(config)) as name,
        folder_to_hand(config) as folder,
    ):
        handed = hand_in(config, os.environ, folder, Path.home())
        question = Question(
            root=str(mounted_root(config, mounts)),
            image=config.name,
            words=tuple(words),
            overrides=json.loads(json.dumps(overrides, default=str)),
            requirements=tuple(our_requirements()),
            variables=handed.variables,
            said=said,
            written=written_here(config),
        )
        write_question(question, folder)
        command = run_command(config, mounts, builder, name, handed, folder, platform)
        log = config.work / "container.log"
        with context.terminal.activity(f"freezing {config.name} in {config.build.place}"):
            code = run_logged(
                command, log, verbose=False, watch=sayer(mounts, context), hide=hiding(caller_values(config))
            )
        results = config.work / "container"
        outcome.remove(results)
        there = call(config.build.place, "cp", f"{name}:{places.RESULTS}", str(results), check=False).returncode == 0
    if code != 0 or not there:
        check_emulated(config.build.place, platform, log)
        raise failure(config, code, log)
    outcome.check(results, config.build.place)
    try:
        adopt(config, results)
    except ValueError:
        raise failure(config, code, log) from None


def check_engine(config: ImageConfig) -> None:
    """Raises MissingToolError if the engine does not work here."""
    assert config.build.place != HERE
    engine = engine_called(config.build.place)
    if not engine.version():
        raise MissingToolError(
            f"Cannot freeze in a {engine.name} container: {engine.name} does not work here ({engine.problem()}).",
            "Start or install it, or freeze elsewhere: --in here (on Linux), --in docker or --in podman.",
        )


def check_links(config: ImageConfig) -> None:
    """Raises ConfigError if this system cannot store the results: Windows keeps no symbolic links and no file modes."""
    if WINDOWS and config.layout == "tree":
        raise ConfigError(
            f'{config.name} has the layout "tree", but Windows keeps neither symbolic links nor file modes.',
            'Set layout = "onefile", or build on Linux, for example in WSL.',
        )


def mounted(config: ImageConfig) -> dict[Path, PurePosixPath]:
    """What to mount: the paths of this machine, each with its place below `places.PROJECT`.

    These are the project with its repository, the local folders that are installed with it, and the files that its
    configuration names. They lie there as they do here, relative to each other.
    """
    repository = find_repository(config.root)
    wanted = folders_of(config) | ({repository.top.resolve()} if repository else set())
    # A link that is mounted by itself would be replaced by its target.
    wanted |= {place.parent if place.is_symlink() else place for place in named_places(config)}
    outermost = sorted(each for each in wanted if wanted.isdisjoint(each.parents))
    above = Path(os.path.commonpath(outermost))
    return {each: PurePosixPath(above.name, each.relative_to(above).as_posix()) for each in outermost}


def mounted_root(config: ImageConfig, mounts: Mapping[Path, PurePosixPath]) -> PurePosixPath:
    """The project's folder in the container, below `places.PROJECT`."""
    root = config.root.resolve()
    return next(place / root.relative_to(each) for each, place in mounts.items() if root.is_relative_to(each))


def our_requirements() -> list[str]:
    """The requirements of this package, without its extras."""
    return [each for each in distribution(OURS).requires or () if "extra ==" not in each]


@contextmanager
def folder_to_hand(config: ImageConfig) -> Iterator[Path]:
    """A folder that only this user can read; removed afterwards."""
    folder = config.work / "handed"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def kept_unless_interrupted(config: ImageConfig, builder: str) -> Iterator[None]:
    """Remove the build's volume if it is interrupted: the killed container could not hide the caller's secrets."""
    try:
        yield
    except KeyboardInterrupt:
        with undisturbed():
            call(config.build.place, "volume", "rm", "--force", volume_name(config, builder), check=False)
        raise


@contextmanager
def removed(config: ImageConfig, name: str) -> Iterator[str]:
    """Make sure that no container of this name exists before or afterwards."""
    remove = (config.build.place, "rm", "--force", name)
    call(*remove, check=False)
    try:
        yield name
    finally:
        with undisturbed():
            call(*remove, check=False)


def container_name(config: ImageConfig) -> str:
    return f"pystatic-{fingerprint([str(config.root), config.name])[:16]}"


def volume_name(config: ImageConfig, builder: str) -> str:
    return f"pystatic-{config.name}-{fingerprint([str(config.root), builder])[:16]}"


def write_question(question: Question, folder: Path) -> None:
    (folder / "question.json").write_text(json.dumps(to_json(question)), encoding="utf-8")
    ours = distribution(OURS)
    metadata = folder / "metadata" / f"{OURS.replace('-', '_')}-{ours.version}.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(ours.read_text("METADATA") or "", encoding="utf-8")


def run_command(
    config: ImageConfig,
    project: Mapping[Path, PurePosixPath],
    builder: str,
    name: str,
    handed: Handed,
    folder: Path,
    platform: str | None,
) -> list[str]:
    """The command that runs the container."""
    mounts = {
        **{str(each): str(PurePosixPath(places.PROJECT, place)) for each, place in project.items()},
        str(PACKAGE): f"{places.PACKAGE}/{PACKAGE.name}",
        str(folder): places.HANDED,
        **handed.files,
        **repository_elsewhere(config, project),
    }
    return [
        *(config.build.place, "run", "--name", name, "--pull", "never", "--security-opt", "label=disable"),
        *chosen(platform),
        *(word for source, target in mounts.items() for word in ("--mount", bind(source, target))),
        *("--mount", f"type=volume,source={volume_name(config, builder)},target={places.KEPT}"),
        *config.build.arguments,
        *(builder, "python3", str(ENTER), places.QUESTION, places.KEPT, places.PACKAGE, places.METADATA),
    ]


def bind(source: str, target: str) -> str:
    """The argument of `--mount` that mounts a file or folder of this machine read-only."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(["type=bind", f"source={source}", f"target={target}", "readonly"])
    return line.getvalue()


def repository_elsewhere(config: ImageConfig, there: Iterable[Path]) -> dict[str, str]:
    """The git folder, if it lies outside the mounts, as for a worktree; git's files refer to it by its path."""
    shared = shared_git_folder(config.root)
    if shared is None or any(shared.is_relative_to(each) for each in there):
        return {}
    return {str(shared): shared.as_posix()}


def sayer(mounts: Mapping[Path, PurePosixPath], context: StepContext) -> Callable[[str], None]:
    """A function that shows the user each line that the container prints, except for Nox's own messages.

    Paths of the project are shown as those of this machine.
    """
    here = {
        str(PurePosixPath(top, place)): str(folder)
        for folder, place in mounts.items()
        for top in (places.COPY, places.PROJECT)
    }
    there = re.compile(rf"(?<![\w./-])({'|'.join(map(re.escape, sorted(here, reverse=True)))})(?![\w.-])")

    def watch(line: str) -> None:
        text = line.rstrip().removeprefix(PREFIX)
        if text and not CHATTER.match(text):
            context.say(there.sub(lambda found: here[found[1]], text))

    return watch


def failure(config: ImageConfig, code: int, log: Path) -> PystaticError:
    """The error of the kind that the exit code stands for."""
    kind = next((each for each in KINDS if each.exit_code == code), PystaticError)
    return kind(
        f"{config.name} was not frozen: the {config.build.place} container ended with exit code {code}.",
        f"Its output is above and in {shown(config, log)}.",
    )


def adopt(config: ImageConfig, results: Path) -> None:
    """Put the results of the container where the later steps look for them.

    Raises:
        ValueError: they are not results of our steps.
    """
    check_no_links(results, ["logs", "program", *(f"{kind.step}.json" for kind in (Frozen, Packed))])
    frozen, program = read_result(results, Frozen), results / "program"
    check_places(frozen)
    check_no_links(results, places_of(frozen))
    # Only logs, since the results of our own steps lie in the same folder.
    for log in (results / "logs").glob("*.log"):
        if log.is_file() and not log.is_symlink():
            shutil.move(log, config.work / log.name)
    assert frozen.system_copy
    copy = replace(frozen.system_copy, folder=results / "system")
    files = [Path(f"{program}{file.path}") for file in frozen.files] if config.layout == "tree" else []
    # Without inputs, so that a program from a container never counts as up to date for a build on this machine.
    write_manifest(config, replace(frozen, program=program, system_copy=copy), inputs="", outputs=files)
    if config.used_packer:
        output = config.dist / config.name
        move_whole(program, output, EXECUTABLE_MODE)
        program.unlink()
        write_manifest(config, read_result(results, Packed), inputs="", outputs=[output])
    else:
        manifest_path(config, Packed.step).unlink(missing_ok=True)


def check_places(frozen: Frozen) -> None:
    """Raises ValueError unless all files that an image would take lie among the container's results."""
    paths = [*frozen.system_files, *(file.path for file in frozen.files)]
    are_inside = all(path.startswith("/") and not problem(path[1:]) for path in paths)
    if not (frozen.system_copy and are_inside and {file.owner for file in frozen.files} <= {*LAYERS["tree"]}):
        raise ValueError("names files that the container did not return")


def places_of(frozen: Frozen) -> Iterator[str]:
    """Where the files of a program that an image would take lie among the container's results, and no link may be.

    The tree's files themselves may be links.
    """
    yield from (f"system{path}" for path in (*BUNDLES, str(TIMEZONES), *frozen.system_files))
    yield from {str(PurePosixPath(f"program{file.path}").parent) for file in frozen.files}


def check_no_links(results: Path, names: Iterable[str]) -> None:
    """Raises ValueError if one of these paths below the results, or a folder on the way to it, is a link."""
    if any(each.is_symlink() for name in names for each in ways(results, results / name)):
        raise ValueError("has links in place of files that the container returned")


def read_result(results: Path, kind: type[AnyResult]) -> AnyResult:
    return from_json(kind, read_json(results / f"{kind.step}.json"))
