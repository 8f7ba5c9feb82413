"""Runs the program with plain Python before it is frozen, to find what it needs."""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from pystatic_tasks.config.hiding import hidden, hiding
from pystatic_tasks.config.model import SHARED_MEMORY, ImageConfig, Request, shown
from pystatic_tasks.config.variables import caller_values, hide_in_files, resolved
from pystatic_tasks.errors import ServiceError
from pystatic_tasks.in_env.modules import OBSERVE
from pystatic_tasks.in_env.protocol import (
    DataFile,
    Examined,
    Exercise,
    HttpRequest,
    Observed,
    ObservedAnswer,
    Refusal,
    RefusedError,
    ToolNames,
)
from pystatic_tasks.in_env.web.client import LOOPBACK, free_port
from pystatic_tasks.in_image.heard import TRIAL
from pystatic_tasks.in_image.servers import find_server
from pystatic_tasks.steps import services
from pystatic_tasks.steps.build_environment import IN_ENV, ask
from pystatic_tasks.steps.context import StepContext
from pystatic_tasks.steps.freeze.install.project_files import import_paths, script_folder
from pystatic_tasks.steps.freeze.observe.private import private_memory
from pystatic_tasks.steps.logged_errors import logged_errors
from pystatic_tasks.system.beneath import remove_tree
from pystatic_tasks.system.files import hash_tree, hashes_of_words, walk_files
from pystatic_tasks.system.processes import tool_environment

LETTERS = re.compile(r"[^\W\d_]{4,}")
# Folders in the root in which no program looks by a path relative to it.
OF_THE_SYSTEM = {
    *("bin", "dev", "etc", "home", "lib", "lib64", "media", "mnt", "opt"),
    *("proc", "root", "run", "sbin", "srv", "sys", "tmp", "usr", "var"),
}
# From this number on, files of one folder are reported by the folder.
MANY = 5
RECORDER = IN_ENV / "observe" / "recorder"
# The caller's variables that Python may need here; no other may influence the program.
OF_THE_MACHINE = ("HOME", "LD_LIBRARY_PATH", "PATH", "TMPDIR")


@contextlib.contextmanager
def with_services(config: ImageConfig, context: StepContext) -> Iterator[bool]:
    """Run the services for the observation; yields whether all services that the program needs are running."""
    with contextlib.ExitStack() as stack:
        all_there = True
        if config.services and context.observes:
            try:
                stack.enter_context(services.running(config, context))
                context.say(f"services: {services.listed(config.services)}")
            except ServiceError as error:
                context.say(f"not observed: {error.line}")
                all_there = False
        yield all_there


def observe(
    config: ImageConfig,
    context: StepContext,
    entry: Path,
    examined: Examined,
    tools_there: ToolNames,
    note_changes: Callable[[Iterable[str]], None],
) -> Observed:
    """Run the program once, and record what it needs.

    Args:
        config: The configuration with the target and its requests.
        context: The context of the step.
        entry: The entry script.
        examined: What is known of the target.
        tools_there: The distributions that only build tools or only dependency groups require.
        note_changes: Called with the paths that the program created, renamed or wrote, even if this fails.

    Returns:
        What was observed; if the program cannot be run, what was observed until then, and the reason.
    """
    folder = config.work / "observed"
    remove_tree(folder)
    places = [folder / name for name in ("home", "tmp", "cwd")]
    for place in places:
        place.mkdir(parents=True)
    put_own_files(config, folder / "cwd")
    collected = collected_files(examined.data, static_folder(config))
    exercise = replace(describe_exercise(config, context, entry, folder, tools_there), collected=collected)
    log = config.work / "observation.log"
    try:
        _, observed = ask(
            context.python,
            OBSERVE,
            exercise,
            folder=folder,
            log=log,
            prefix=private_memory(),
            verbose=context.verbose,
            hide=hiding(caller_values(config)),
            cwd=config.root,
            env=tool_environment(),
        )
    except RefusedError as refused:
        return without_secrets(config, Observed(problem=refused.refusal.problem))
    finally:
        note_changes(changes_in(Path(exercise.records)))
        hide_in_files(config, [Path(exercise.log), log])
        # Files that the program writes there may contain the caller's values.
        for place in places:
            remove_tree(place)
        # These files may contain the values too, in another encoding or as paths.
        if caller_values(config):
            remove_tree(Path(exercise.records))
            for path in folder.glob("*.json"):
                path.unlink()
    return without_secrets(config, observed) if observed else Observed(problem=f"it failed; see {shown(config, log)}")


def put_own_files(config: ImageConfig, folder: Path) -> None:
    """Copy what `image.files` names into a folder as it is in the image's root, the program's current folder there.

    What is not there, or cannot be read, is left to the step that makes the image.
    """
    # A named file is put over one of a named folder.
    for inside, source in sorted(
        relative_files(config).items(), key=lambda each: (each[1].is_file(), each[1], each[0])
    ):
        place = folder / inside
        for path in walk_files(source) if source.is_dir() else [source]:
            with contextlib.suppress(OSError):
                copy_file(path, place / path.relative_to(source) if source.is_dir() else place)


def relative_files(config: ImageConfig) -> dict[str, Path]:
    """What `image.files` names, by its path relative to the root, without what lies in folders of the system."""
    found = {target.lstrip("/"): config.root / source for target, source in config.image.files.items()}
    return {inside: source for inside, source in found.items() if inside.partition("/")[0] not in OF_THE_SYSTEM}


def copy_file(source: Path, target: Path) -> None:
    if source.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)


def changes_in(folder: Path) -> set[str]:
    """The paths that a program created, renamed or wrote, from the records of its processes, if there are any."""
    if not folder.is_dir():
        return set()
    # The recorder needs Linux, but this module is loaded everywhere.
    from pystatic_tasks.in_env.observe.recorded import read_records

    records = read_records(folder)
    return records.changed | records.written


def describe_exercise(
    config: ImageConfig, context: StepContext, entry: Path, folder: Path, tools_there: ToolNames
) -> Exercise:
    port = free_port() if config.app else config.smoke.port or 0
    loose = (*script_folder(config), *import_paths(config))
    return Exercise(
        arguments=arguments_of(config, entry),
        environment=environment_of(config, context.python, folder, loose, port),
        folder=str(folder / "cwd"),
        records=str(folder / "records"),
        log=str(config.work / "observed.log"),
        port=port,
        requests=tuple(map(http_request, (*config.smoke.requests, *config.observe.requests))) if port else (),
        timeout=config.smoke.timeout,
        text=config.smoke.stdout,
        exit_code=config.smoke.exit_code,
        long_running=config.smoke.long_running,
        further=config.observe.command,
        further_folder=str(config.root),
        module=(config.app or "").partition(":")[0] or module_of_command(entry, config),
        loose=loose,
        built=str(config.built),
        tools=tools_there.names,
        of_groups=tools_there.of_groups,
        server=find_server(config.server_kind).requirement if config.app else "",
    )


def static_folder(config: ImageConfig) -> Path:
    """Where static files are collected for the program."""
    return config.work / "program" / "static"


def collected_files(data: Iterable[DataFile], folder: Path) -> tuple[str, ...]:
    """The folder of collected static files, and its place in the program; () if none were collected."""
    for source, place in data:
        if Path(source).is_relative_to(folder):
            inside = Path(source).parent.relative_to(folder).parts
            parts = PurePosixPath(place).parts
            return str(folder), str(PurePosixPath(*parts[: len(parts) - len(inside)]))
    return ()


def arguments_of(config: ImageConfig, entry: Path) -> tuple[str, ...]:
    """The arguments for Python; a script is run at its own path, since it may look for files beside it."""
    script = str(config.root / config.script) if config.script else str(entry)
    return (script, *(() if config.app else config.smoke.command))


def module_of_command(entry: Path, config: ImageConfig) -> str:
    """The module that the entry script of a command imports."""
    if config.script:
        return ""
    lines = entry.read_text(encoding="utf-8").splitlines()
    return next((line.split()[1] for line in lines if line.startswith("from ")), "")


def environment_of(config: ImageConfig, python: Path, folder: Path, loose: Sequence[str], port: int) -> dict[str, str]:
    """The variables that the image sets, and those for this run only."""
    machine = of_the_machine()
    machine.pop("TMPDIR", None)
    variables = {
        **machine,
        "PATH": f"{python.parent}:{os.environ.get('PATH', os.defpath)}",
        "HOME": str(folder / "home"),
        # As in every image.
        "TZ": "UTC",
        **config.environment,
        **({} if is_private(config) else {"TMPDIR": str(folder / "tmp")}),
        **exercise_variables(config),
        TRIAL: "1",
    }
    if config.app:
        listening = find_server(config.server_kind).listen_at(variables, LOOPBACK, port)
        variables = {**variables, **listening, "WEB_CONCURRENCY": "1"}
    return {
        **variables,
        "PYTHONPATH": ":".join([str(RECORDER), *loose]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYSTATIC_RECORDS": str(folder / "records"),
        **({"PYSTATIC_URL": f"http://{LOOPBACK}:{port}"} if port else {}),
    }


def import_variables(config: ImageConfig, **instead: str) -> dict[str, str]:
    """The variables that the target is imported with; `instead` replaces those of the machine."""
    return {**of_the_machine(), **instead, **config.image.env, **exercise_variables(config)}


def of_the_machine() -> dict[str, str]:
    """The caller's variables that decide what works on this machine."""
    return {name: os.environ[name] for name in OF_THE_MACHINE if name in os.environ}


def is_private(config: ImageConfig) -> bool:
    """Whether temporary files can go to the image's own folder, privately."""
    return bool(private_memory()) and config.environment.get("TMPDIR") == SHARED_MEMORY


def exercise_variables(config: ImageConfig) -> dict[str, str]:
    """The variables of `smoke.env` and `observe.env`, with the caller's values filled in."""
    smoke = resolved(config.smoke.env, "smoke.env")
    return {**smoke, **resolved(config.observe.env, "observe.env")}


def http_request(request: Request) -> HttpRequest:
    return HttpRequest(path=request.path, method=request.method, headers=dict(request.headers), body=request.body)


def without_secrets(config: ImageConfig, observed: Observed) -> Observed:
    secrets = caller_values(config)
    answers = tuple(answer_without(secrets, each) for each in observed.answers)
    programs = tuple(hidden(program, secrets) for program in observed.programs)
    return replace(observed, problem=hidden(observed.problem, secrets), answers=answers, programs=programs)


def answer_without(secrets: Iterable[str], answer: ObservedAnswer) -> ObservedAnswer:
    parts = tuple((hidden(path, secrets), status) for path, status in answer.parts)
    return replace(answer, words=without_words_of(secrets, answer.words), parts=parts)


def without_words_of(secrets: Iterable[str], found: Iterable[str]) -> tuple[str, ...]:
    """The words without those that may be part of a secret, in any case, even if it is cut off."""
    theirs = "\n".join(secrets).casefold()
    parts = LETTERS.findall(theirs)

    def is_of_secret(word: str) -> bool:
        return word in theirs or any(part in word for part in parts)

    return tuple(word for word in found if not is_of_secret(word.casefold()))


def refusal_without_secrets(config: ImageConfig, refusal: Refusal) -> Refusal:
    secrets = caller_values(config)
    return replace(
        refusal,
        problem=hidden(refusal.problem, secrets),
        details=tuple(hidden(each, secrets) for each in refusal.details),
    )


def errors_of(config: ImageConfig, observed: Observed) -> tuple[str, ...]:
    """The errors that the plain program logged, sorted; see `LoggedError.text`."""
    found = logged_errors(observed.log, config.server_kind, hiding(caller_values(config)))
    return tuple(sorted({error.text for error in found}))


def merged(examined: Examined, observed: Observed) -> Examined:
    """Both results combined, for the analysis; without test plugins, which the examination takes for the program's."""
    modules = {name for name in examined.hidden_imports if name.partition(".")[0] not in observed.of_tests}
    data = {each for each in examined.data if each[1].partition("/")[0] not in observed.of_tests}
    return replace(
        examined,
        hidden_imports=tuple(sorted({*modules, *observed.modules})),
        data=tuple(sorted({*data, *observed.data})),
    )


def exercise_inputs(config: ImageConfig) -> Mapping[str, object]:
    """Everything in the configuration that the observation depends on, as JSON."""
    smoke = config.smoke
    return {
        "requests": [vars(http_request(each)) for each in (*smoke.requests, *config.observe.requests)],
        "command": [smoke.command, smoke.stdout, smoke.exit_code, smoke.long_running, smoke.port],
        "further": [config.observe.command, hashes_of_words(config.root, config.observe.command)],
        "files": hashes_of_words(config.root, smoke.command),
        "timeout": smoke.timeout,
        "variables": exercise_variables(config),
        "services": services.inputs(config),
        "own": {inside: hash_tree(source) for inside, source in relative_files(config).items()},
    }


def by_folder(files: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Files with the names of their packages; many files of one folder are combined."""
    folders = itertools.groupby(files, lambda file: (str(PurePosixPath(file[0]).parent), file[1]))
    for (folder, package), group in folders:
        paths = [path for path, _ in group]
        yield from (
            [(path, package) for path in paths] if len(paths) < MANY else [(f"{len(paths)} files in {folder}", package)]
        )


def report(config: ImageConfig, context: StepContext, observed: Observed) -> None:
    """Report what the user should know about the observation."""
    if observed.problem:
        context.say(f"not fully observed: {observed.problem} ({shown(config, config.work / 'observed.log')})")
    lacking = [volume for volume in config.image.volumes if not Path(volume).is_dir()]
    # Problems of `observe.command` begin with the command's name instead.
    if observed.problem.startswith("it ") and lacking:
        context.say(
            f"  image.volumes names {', '.join(lacking)}, which is not on this machine: "
            "set in observe.env where the program writes while it is observed"
        )
    for what, package in by_folder(observed.system_files):
        context.say(f"taken from this machine: {what}, of its package {package}")
    for program in observed.programs:
        context.say(f'the program starts "{program}", which is not in the image')
