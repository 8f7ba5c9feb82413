"""The Nox front: the only module that imports nox."""

from __future__ import annotations

import json
import os
import platform
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import nox
from nox import registry, virtualenv
from nox.logger import logger
from nox.sessions import SessionRunner

from pystatic_tasks.config import ImageConfig, load_config
from pystatic_tasks.config.load import pick_image
from pystatic_tasks.config.model import HERE
from pystatic_tasks.config.options import (
    Options,
    parse_options,
    words_in_container,
    words_of_second_build,
)
from pystatic_tasks.config.project import is_path, project_name
from pystatic_tasks.errors import ConfigError, MissingToolError, PystaticError, SmokeError, file_error
from pystatic_tasks.fronts.caller import from_caller
from pystatic_tasks.fronts.container.build import freeze_and_pack
from pystatic_tasks.fronts.nox_process import Call, leave_exit_code
from pystatic_tasks.fronts.plan import Plan
from pystatic_tasks.fronts.platforms import result_paths, run_for_platforms
from pystatic_tasks.fronts.rebuild.repair import check_repaired, write_repairs
from pystatic_tasks.fronts.rebuild.second_build import check_reproducible
from pystatic_tasks.steps.context import StepContext, session_command
from pystatic_tasks.steps.freeze.environment import install_variables
from pystatic_tasks.steps.freeze.installers import variables_for_uv
from pystatic_tasks.steps.freeze.step import prepare
from pystatic_tasks.steps.manifest import only_one
from pystatic_tasks.steps.table import STEPS, check_steps, unknown_step
from pystatic_tasks.system.files import unwritable_folder
from pystatic_tasks.system.machine import check_platform
from pystatic_tasks.system.processes import ENDING_SIGNALS
from pystatic_tasks.system.redaction import masked_log, masked_stream
from pystatic_tasks.system.terminal import folded, make_terminal

# What a session is marked by that another one runs: the sessions that go on after it, that one last.
WITHIN = "pystatic_within"
NOXFILE = "the noxfile"  # Where our callers' mistakes are.
# As Nox names them: the first that is there.
BACKENDS = "uv|virtualenv"
# A build has most use for sources: what it imports is compiled then.
PIP_VARIABLES = {"PIP_COMPILE": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
OPTIONS_OF_BACKEND = ("-db", "--default-venv-backend")


def register(
    *,
    root: str | os.PathLike[str] | None = None,
    prefix: str = "",
    names: Mapping[str, str] | None = None,
    skip: Sequence[str] = (),
    default: bool = False,
    tags: Sequence[str] = ("pystatic",),
    python: str | None = None,
    **overrides: Any,
) -> dict[str, Any]:
    """Add the sessions of all steps, from `freeze` to `push`, `index` and `resolve`, to the calling noxfile.

    A wrong configuration warns in one line and makes these sessions fail, and no others.
    A session of the same name that exists already ends Nox with a message and exit code 2.

    Args:
        root: Folder of the pyproject.toml; that of the calling noxfile unless given.
        prefix: Put before the sessions' names, such as "web-".
        names: Other names for single sessions, by step.
        skip: Steps without a session of their own; the session after them runs them.
        default: Whether a bare `nox` runs them, but for `slim`, `run`, `shell`, `report`, `push`, `index` and
            `resolve`.
        tags: Tags of the sessions, but for these, which run only where they are named.
        python: Interpreter to build with, as Nox names it.
        overrides: Configuration that goes before that of pyproject.toml, such as
            `max_size="9MB"` or `freeze={"excludes": ["tkinter"]}`.

    Returns:
        Nox's session functions by step.
    """
    plan = Plan(
        root=from_caller(root),
        prefix=prefix,
        names=dict(names or {}),
        skip=(skip,) if isinstance(skip, str) else tuple(skip),
        default=default,
        tags=(tags,) if isinstance(tags, str) else tuple(tags),
        overrides={**overrides, **({"python": python} if python else {})},
    )
    try:
        check_steps((*plan.names, *plan.skip), NOXFILE)
        return register_plan(plan)
    except ConfigError as error:
        print(error, file=sys.stderr)
        raise SystemExit(error.exit_code) from None


def run_step(
    session: nox.Session, step: str, *, root: str | os.PathLike[str] | None = None, image: str = "", **overrides: Any
) -> None:
    """Run one step inside a session of your own.

    What the steps before it leave must be there: tie your session to theirs with `requires=`.
    The step "freeze" fills the session's own environment.

    Args:
        session: The running session.
        step: One of `steps.table.STEPS`, such as "freeze" or "push".
        root: Folder of the pyproject.toml; that of the calling file unless given.
        image: Name of the image, where the project has several.
        overrides: As for `register()`.
    """
    folder = from_caller(root)
    if step not in STEPS:
        fail(session, unknown_step(step, NOXFILE))
    if STEPS[step].is_for_project:
        run_for_project(session, step, folder, overrides, push=nothing_first)
        return
    run_steps(session, [step], folder, image, overrides)


def register_plan(plan: Plan) -> dict[str, Any]:
    look_for_uv()
    try:
        configs = load_config(plan.root, overrides=plan.overrides, environment=os.environ)
    except ConfigError as error:
        logger.warning(f"pystatic-tasks: {error.problem.rstrip(':.')}; its sessions will fail and say more")
        return add_failing(plan, error)
    unwritable = unwritable_folder(plan.root)
    if unwritable:
        # Before Nox makes an environment, which it could not.
        return add_failing(plan, unwritable)
    if len(configs) > 1:
        for step in plan.steps:
            for each in configs if not STEPS[step].is_for_project else ():
                add_step(plan, step, each, each.name)
    return {step: add_whole(plan, step, configs) for step in plan.steps}


def add_failing(plan: Plan, error: PystaticError) -> dict[str, Any]:
    """Sessions that end with the error, and need no environment for that."""
    return {step: add_failing_step(plan, step, error) for step in plan.steps}


def add_failing_step(plan: Plan, step: str, error: PystaticError) -> Any:
    return add_session(plan, step, fail_with(error), venv_backend="none")


def one_at_a_time(step: str, commands: Sequence[str]) -> ConfigError:
    """The error that a step in the foreground is asked for without the name of an image."""
    *others, last = commands
    return ConfigError(
        f"{step} is for one image at a time, and the project has {len(commands)}.",
        f"Choose one: {', '.join(others)} or {last}.",
    )


def add_whole(plan: Plan, step: str, configs: Sequence[ImageConfig]) -> Any:
    """The session that has a step's own name."""
    if STEPS[step].is_for_project:
        return add_for_project(plan, step, configs)
    return add_step(plan, step, configs[0], "") if len(configs) == 1 else add_all(plan, step, configs)


def add_step(plan: Plan, step: str, config: ImageConfig, name: str) -> Any:
    """The session of one step for one image; `name` is empty where it is the only one."""
    steps = plan.steps_of(step)
    before = plan.step_before(step)

    def run(session: nox.Session) -> None:
        run_steps(session, steps, plan.root, name, plan.overrides, plan.command(name))

    run.__doc__ = STEPS[step].description.format(name=config.name)
    requires = [plan.session_name(before, name)] if before else []
    return add_session(plan, step, run, name=name, requires=requires, **environment_for(steps, config))


def environment_for(steps: Sequence[str], config: ImageConfig) -> dict[str, Any]:
    """Nox's options for a session that runs these steps.

    An environment is made by the session itself, which knows what the user wants it to be made by.
    """
    is_needed = any(STEPS[step].needs_environment for step in steps)
    return {"venv_backend": "none", **({"python": config.python, "reuse_venv": True} if is_needed else {})}


def add_for_project(plan: Plan, step: str, configs: Sequence[ImageConfig]) -> Any:
    """The session of a step that is done once for all images, and asks for those before it where it needs them."""

    def run(session: nox.Session) -> None:
        def push(config: ImageConfig) -> None:
            run_before(session, plan, step, config, config.name if len(configs) > 1 else "")

        run_for_project(session, step, plan.root, plan.overrides, push=push, command=plan.command())

    run.__doc__ = STEPS[step].description
    return add_session(plan, step, run, **environment_for(plan.steps_of(step), configs[0]))


def add_all(plan: Plan, step: str, configs: Sequence[ImageConfig]) -> Any:
    """The session that runs a step for all images."""

    def run(session: nox.Session) -> None:
        """Does nothing itself."""

    run.__doc__ = f"Run {step} for all images."
    if STEPS[step].in_foreground:
        commands = [plan.command(config.name)(step) for config in configs]
        return add_failing_step(plan, step, one_at_a_time(step, commands))
    requires = [plan.session_name(step, config.name) for config in configs]
    return add_session(plan, step, run, requires=requires, venv_backend="none")


def fail_with(error: PystaticError) -> Callable[[nox.Session], None]:
    def run(session: nox.Session) -> None:
        fail(session, error)

    run.__doc__ = f"Fails: {error.problem.rstrip(':.')}."
    return run


def add_session(plan: Plan, step: str, run: Callable[[nox.Session], None], name: str = "", **options: Any) -> Any:
    """Register with Nox under a name that nobody else has.

    Raises:
        ConfigError: somebody else has it.
    """
    session_name = plan.session_name(step, name)
    there = registry.get().get(session_name)
    identity = (plan, step, name)
    if there is not None and getattr(there, "pystatic_identity", None) != identity:
        raise ConfigError(
            f'The noxfile has a session "{session_name}" already, which pystatic_tasks.register() would replace.',
            f'Call register(prefix="{plan.prefix}app-"), register(names={{"{step}": "{plan.prefix}app-{step}"}}) '
            f'or register(skip=["{step}"]).',
        )
    # Nox may read one noxfile twice, as a script and as its own module.
    run.pystatic_identity = identity  # type: ignore[attr-defined]
    on_request = STEPS[step].on_request
    default, tags = plan.default and not on_request, [] if on_request else list(plan.tags)
    return nox.session(name=session_name, default=default, tags=tags, **options)(run)


def run_steps(
    session: nox.Session,
    steps: Sequence[str],
    root: Path,
    name: str,
    overrides: Mapping[str, Any],
    command: Callable[..., str] = session_command,
) -> None:
    """Run steps for the image of that name, or for the only one; every error becomes Nox's own."""
    with failing_as_nox(session), ended_in_order():
        options = parse_options(session.posargs)

        def read() -> ImageConfig:
            return read_config(root, name, overrides, options)

        config = read()
        check_place(config, options)
        if options.watch:
            check_watchable(session, steps)
        if needs_environment(steps, config):
            make_environment(session, config)
        if only_installs(session):
            if needs_environment(steps, config):
                prepare(config, make_context(session, config, options, command))
            return
        with only_one(config, session.log, lambda: is_awaited(session, name)):
            while True:
                try:
                    run_each(session, config, steps, options, command, overrides, read)
                    return
                except SmokeError as error:
                    if not options.fix or not error.repairs:
                        raise
                    written = write_repairs(config, error.repairs, session.log)
                    config = read()
                    for repair in error.repairs:
                        check_repaired(config, repair)
                    # What follows from a repair is found out by what changed, after an earlier round from nothing.
                    options = replace(options, use_cache=True)
                    build_again(session, config, steps, ", ".join(written))


def run_for_project(
    session: nox.Session,
    step: str,
    root: Path,
    overrides: Mapping[str, Any],
    *,
    push: Callable[[ImageConfig], object],
    command: Callable[..., str] = session_command,
) -> None:
    """Run a step once for all images, and print what it returns; every error becomes Nox's own."""
    run = STEPS[step].run_for_project
    assert run
    with failing_as_nox(session), ended_in_order():
        options = parse_options(session.posargs)
        if options.json:
            raise ConfigError(f"{step} leaves no manifest that --json could print.", "Leave --json out.")
        configs = load_config(root, overrides=overrides, environment=os.environ, options=options.config)
        for config in configs:
            check_place(config, options)
        if only_installs(session):
            return
        content = run(configs, replace(make_context(session, configs[0], options, command), push=push))
        sys.stdout.buffer.write(content)
        sys.stdout.flush()


def nothing_first(config: ImageConfig) -> None:
    """In a session of the caller's own, what comes before is theirs."""


def run_before(session: nox.Session, plan: Plan, step: str, config: ImageConfig, name: str) -> None:
    """Run what comes before a step of the project for one image, unless Nox was told --no-dependencies.

    Raises:
        PystaticError: it failed.
    """
    runner = session._runner
    if runner.global_config.no_dependencies:
        return
    before = plan.step_before(step)
    if before:
        identity = (plan, before, name)
        wanted = next(each for each in all_sessions(session) if identity_of(each) == identity)
        missing = [each for each in (*sessions_before(wanted), wanted) if not each.result]
        failed = run_within(session, missing, session.posargs)
        if failed:
            raise PystaticError(
                f"{config.name} is needed, and {failed.friendly_name} failed.", "See what it said above."
            )
    *left, _ = plan.steps_of(step)
    if left:
        setattr(runner, WITHIN, [runner])
        run_steps(session, left, plan.root, name, plan.overrides, plan.command(name))


@contextmanager
def failing_as_nox(session: nox.Session) -> Iterator[None]:
    """Every error of ours, and of the system's, becomes Nox's own."""
    try:
        yield
    except PystaticError as error:
        fail(session, error)
    except OSError as error:
        fail(session, file_error(error))


def read_config(root: Path, name: str, overrides: Mapping[str, Any], options: Options) -> ImageConfig:
    """The image of that name, or the only one, as it is configured now."""
    configs = load_config(root, overrides=overrides, environment=os.environ, options=options.config)
    return pick_image(configs, name)


def run_each(
    session: nox.Session,
    config: ImageConfig,
    steps: Sequence[str],
    options: Options,
    command: Callable[..., str],
    overrides: Mapping[str, Any],
    read: Callable[[], ImageConfig],
) -> None:
    """Run the steps in order, and print what is of the last for standard output.

    `read` gives the configuration as it is by then.
    """

    def run_one(step: str, config: ImageConfig, context: StepContext) -> None:
        if config.build.place == HERE or not STEPS[step].in_container:
            STEPS[step].run(config, context)
        elif STEPS[step].needs_environment:
            platform = config.platform or next(iter(options.platforms), None)
            freeze_and_pack(config, context, words_in_container(options), overrides, platform)

    def build_again_for_last() -> ImageConfig:
        config = read()
        failed = run_sessions_before(session)
        if failed:
            raise PystaticError(f"{config.name} could not be built: {failed} failed.", "See what it said above.")
        for step in steps[:-1]:
            run_one(step, config, replace(context, use_cache=True))
        return config

    context = replace(make_context(session, config, options, command), build_again=build_again_for_last)
    for step in steps:
        fold = folded(f"{step} of {config.name}", sys.stderr, os.environ) if STEPS[step].is_folded else nullcontext()
        with fold:
            if context.platforms:
                run_for_platforms(STEPS[step], config, context, run_one)
            else:
                run_one(step, config, context)
        if step == "image" and options.check_reproducible:
            words = words_of_second_build(options)
            call = Call(root=config.root, step=step, images=(config.name,), words=words, overrides=overrides)
            check_reproducible(config, context, call, environment_backend(session))
    for path in result_paths(STEPS[steps[-1]], config, context.platforms):
        if not is_prerequisite(session, steps[-1]) and path.exists():
            print_result(json.loads(path.read_text(encoding="utf-8")), steps[-1], options)


def print_result(content: Mapping[str, Any], step: str, options: Options) -> None:
    """Print what a step made: as JSON if the user asked for it, otherwise only what push and index sent, by digest."""
    if options.json:
        print(json.dumps(content), flush=True)
    else:
        for reference in content.get("references", ()) if STEPS[step].on_request else ():
            print(reference, flush=True)


def environment_backend(session: nox.Session) -> str:
    """What the user says that environments are made by, or ""."""
    config = session._runner.global_config
    return config.force_venv_backend or (config.default_venv_backend if names_backend(config) else "")


def is_prerequisite(session: nox.Session, step: str) -> bool:
    """Whether a session of a later step that was asked for waits for this one."""
    if getattr(session._runner, WITHIN, ()):
        return True
    waiting = [each for each in waiting_sessions(session) if session._runner.name in each.func.requires]
    return any(step_of(each) not in ("", step) for each in waiting)


def waiting_sessions(session: nox.Session) -> list[SessionRunner]:
    """The sessions that go on after this one."""
    queued = [each for each, is_queued in session._runner.manifest.list_all_sessions() if is_queued]
    return [*getattr(session._runner, WITHIN, ()), *queued]


def all_sessions(session: nox.Session) -> list[SessionRunner]:
    """All of the noxfile, whether Nox will run them or not."""
    return [each for each, _ in session._runner.manifest.list_all_sessions()]


def is_awaited(session: nox.Session, name: str) -> bool:
    """Whether the build of that image goes on after the session, in this process."""
    if getattr(session._runner, WITHIN, ()):
        return True
    later = [identity_of(each) for each in waiting_sessions(session)]
    return any(each and each[2] == name for each in later)


def step_of(runner: SessionRunner) -> str:
    """The step that a session of ours runs, or "" for one of somebody else."""
    identity = identity_of(runner)
    return identity[1] if identity else ""


def identity_of(runner: SessionRunner) -> tuple[Plan, str, str] | None:
    """What a session of ours is: of which call, step and image; None for one of somebody else."""
    identity: tuple[Plan, str, str] | None = getattr(runner.func, "pystatic_identity", None)
    return identity


@contextmanager
def ended_in_order() -> Iterator[None]:
    """Let TERM, and a terminal that is closed, do what Ctrl-C does: nothing runs on, and nothing half-written stays."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # Who was started to outlive the terminal does.
    numbers = [number for number in ENDING_SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def needs_environment(steps: Sequence[str], config: ImageConfig) -> bool:
    """Whether a step needs an environment here; in a container it makes its own."""
    return config.build.place == HERE and any(STEPS[step].needs_environment for step in steps)


def check_place(config: ImageConfig, options: Options) -> None:
    """Raises ConfigError if what is asked for cannot be done where the program is frozen."""
    if config.build.place == HERE:
        check_platform(",".join(options.platforms))
    elif options.check_reproducible:
        raise ConfigError(
            f"--check-reproducible builds on this machine, and {config.name} is frozen in a container "
            f"of {config.build.place}.",
            "Leave out one of the two: --in here freezes on this machine.",
        )


def make_environment(session: nox.Session, config: ImageConfig) -> None:
    """Let Nox make the environment of one of our sessions, unless it has done so.

    Raises:
        ConfigError: Nox was told to make none.
        MissingToolError: there is no such interpreter.
    """
    runner = session._runner
    if is_ours(runner) and session.venv_backend == "none" and not runner.global_config.force_venv_backend:
        runner.func.venv_backend = None if names_backend(runner.global_config) else own_backend()
        try:
            runner._create_venv()
        except virtualenv.InterpreterNotFound:
            raise MissingToolError(
                f'There is no Python "{runner.func.python}" here to build {config.name} with.',
                "Install it, or correct tool.pystatic-tasks.python.",
            ) from None
    if session.venv_backend == "none":
        raise ConfigError(
            "The session needs an environment of its own to build in, and Nox was told to make none.",
            "Run it without --no-venv.",
        )


def own_backend() -> str:
    """What our environments are made by unless the user says it: uv where it is, and does all that pip was told."""
    return "virtualenv" if variables_for_uv(os.environ, Path.cwd()) is None else BACKENDS


def names_backend(global_config: Any) -> bool:
    """Whether the user says what environments are made by: in a variable, on the command line or in the noxfile."""
    if hasattr(global_config, "provenance"):
        return bool(global_config.provenance("default_venv_backend"))
    # Older versions of Nox do not say where a value is from.
    words = (word.partition("=")[0] for word in sys.argv)
    return bool(nox.options.default_venv_backend) or any(word in OPTIONS_OF_BACKEND for word in words)


def look_for_uv() -> bool:
    """Whether Nox finds uv; newer versions of it do not look again, and say nothing of it then."""
    level = logger.level
    logger.setLevel("WARNING")
    try:
        return virtualenv.HAS_UV
    finally:
        logger.setLevel(level)


def fail(session: nox.Session, error: PystaticError) -> NoReturn:
    """End the session by Nox's own error, and say of what kind it was."""
    leave_exit_code(error.exit_code)
    session.error(sentence(error))


def build_again(session: nox.Session, config: ImageConfig, steps: Sequence[str], written: str) -> None:
    """Run once more the sessions that this one follows from.

    Nox itself runs no session twice, and its `session.notify()` neither.

    Raises:
        PystaticError: they are not ours to run, or one of them failed.
    """
    if any(STEPS[step].needs_environment for step in steps):
        return
    if not can_build_again(session):
        raise PystaticError(
            f"{config.name} broke its contract, and what may repair it is in pyproject.toml now: {written}.",
            f"Freeze it again, then run the session {session.name} again.",
        )
    failed = run_sessions_before(session)
    if failed:
        raise PystaticError(
            f"{config.name} was repaired by {written} in pyproject.toml, and {failed} failed after that.",
            "See what it said above.",
        )


def can_build_again(session: nox.Session) -> bool:
    """Whether the sessions that this one follows from are ours, and Nox runs them."""
    return is_ours(session._runner) and not session._runner.global_config.no_dependencies


def check_watchable(session: nox.Session, steps: Sequence[str]) -> None:
    """Raises ConfigError if a step in the foreground could not build again what it runs."""
    if STEPS[steps[-1]].in_foreground and not can_build_again(session):
        raise ConfigError(
            f"--watch builds by the sessions before {session.name}: there are none here, or Nox was told to run none.",
            "Run a session of register() without --no-dependencies, or leave out --watch.",
        )


def run_sessions_before(session: nox.Session) -> str:
    """Run once more the sessions that this one follows from; the name of the one that failed, or ""."""
    posargs = [word for word in session.posargs if word != "--no-cache"]
    failed = run_within(session, list(sessions_before(session._runner)), posargs)
    return failed.friendly_name if failed else ""


def run_within(session: nox.Session, runners: Sequence[SessionRunner], posargs: Sequence[str]) -> SessionRunner | None:
    """Run other sessions in the middle of one; the first that failed, after which none is run."""
    for number, each in enumerate(runners):
        setattr(each, WITHIN, [*runners[number + 1 :], session._runner])
        each.posargs = list(posargs)
        result = each.execute()
        setattr(each, WITHIN, ())
        result.log(f"Session {each.friendly_name} {result.imperfect}.")
        if not result:
            return each
    return None


def sessions_before(runner: SessionRunner) -> Iterator[SessionRunner]:
    """Those of ours that a session requires, in the order in which they run."""
    for each in runner.get_direct_dependencies():
        if is_ours(each):
            yield from sessions_before(each)
            yield each


def is_ours(runner: SessionRunner) -> bool:
    return bool(step_of(runner))


def make_context(
    session: nox.Session, config: ImageConfig, options: Options, command: Callable[..., str] = session_command
) -> StepContext:
    color: bool = session._runner.global_config.color
    # A program that runs meanwhile writes to the terminal too.
    beside_program = options.watch and getattr(session._runner, WITHIN, False)
    terminal = make_terminal(sys.stderr, os.environ, color=color, verbose=options.verbose or beside_program)

    def install(requirements: Sequence[str]) -> None:
        is_uv = session.venv_backend == "uv"
        is_own_choice = is_uv and is_ours(session._runner) and session._runner.func.venv_backend == BACKENDS
        like_pip = variables_for_uv(os.environ, Path.cwd()) if is_own_choice else None
        # uv takes a project of the same version from its cache, whatever has changed in its sources.
        folders = [config.root / each.partition("[")[0] for each in requirements if is_path(each)]
        names = [name for name in map(project_name, folders) if name and is_uv]
        again = [word for name in names for word in ("--reinstall-package", name)]
        with ExitStack() as during:
            during.enter_context(terminal.activity(f"installing {' '.join(Path(each).name for each in requirements)}"))
            during.enter_context(masked_log(logger))
            # Standard output is for the manifest.
            output: dict[str, Any] = {"silent": True}
            if options.verbose:
                output = {"silent": False, "stdout": during.enter_context(masked_stream(sys.stderr))}
            variables = {**install_variables(config), **PIP_VARIABLES, **(like_pip or {})}
            session.install(*requirements, *again, env=variables, **output)

    def recreate() -> None:
        # Nox reuses an environment whatever interpreter it was made from.
        environment: Any = session.virtualenv
        environment.reuse_existing = False
        environment.create()

    waiting = {step_of(each) for each in waiting_sessions(session)}
    has_environment = session.venv_backend != "none"
    reused = getattr(session.virtualenv, "_reused", False)
    return StepContext(
        say=session.log,
        terminal=terminal,
        command=lambda step, *options: "" if beside_program or step in waiting else command(step, *options),
        verbose=options.verbose,
        archives=options.archives,
        platforms=options.platforms if len(options.platforms) > 1 else (),
        filenames=options.filenames,
        recursive=options.recursive,
        use_cache=options.use_cache,
        observes=options.observe,
        formats=options.formats,
        variables=options.variables,
        publish=options.publish,
        arguments=options.arguments,
        opens=options.open,
        watches=options.watch,
        python=Path(session.bin, "python") if has_environment else Path(sys.executable),
        reuses_environment=reused,
        # With --no-install Nox still fills an environment that it has just made.
        installs=not (session._runner.global_config.no_install and reused),
        wanted_python=str(session.python or f"{sys.base_prefix} {platform.python_version()}"),
        install=install,
        recreate=recreate,
    )


def only_installs(session: nox.Session) -> bool:
    """Whether Nox runs with --install-only: then it runs no command, not even this one."""
    return session.run(sys.executable, "-ISc", "", external=True, silent=True, log=False) is None


def sentence(error: PystaticError) -> str:
    """The message without its last full stop, which Nox adds."""
    return str(error).removesuffix(".")
