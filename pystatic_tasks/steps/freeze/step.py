"""The freeze step: checks, installs, examines and observes the target, and runs PyInstaller."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pystatic_tasks.config.hiding import hidden
from pystatic_tasks.config.model import ImageConfig, shown
from pystatic_tasks.config.variables import caller_values
from pystatic_tasks.errors import ConfigError
from pystatic_tasks.in_env.freeze.in_pyinstaller import ANALYSIS
from pystatic_tasks.in_env.names import is_among
from pystatic_tasks.in_env.protocol import DataFile, FrozenProgram
from pystatic_tasks.packers import form_of
from pystatic_tasks.report.interpreters import large_interpreter, large_interpreters
from pystatic_tasks.steps import meanwhile
from pystatic_tasks.steps.build_environment import site_packages
from pystatic_tasks.steps.context import StepContext
from pystatic_tasks.steps.freeze.data.own_data import check_own_data, check_own_modules, of_project
from pystatic_tasks.steps.freeze.estimate import compressed_alone
from pystatic_tasks.steps.freeze.inputs import freeze_inputs, paths_counted, sources, stamps_now, stamps_of_others
from pystatic_tasks.steps.freeze.install import environment
from pystatic_tasks.steps.freeze.install.addresses import check_requirements
from pystatic_tasks.steps.freeze.install.interpreter import check_interpreter
from pystatic_tasks.steps.freeze.observe import observation, target
from pystatic_tasks.steps.freeze.observe.seen import Seen, see_program
from pystatic_tasks.steps.freeze.phases import phase_of
from pystatic_tasks.steps.freeze.program import FOLDERS, run_pyinstaller
from pystatic_tasks.steps.manifest import cache_folder, unchanged, write_manifest
from pystatic_tasks.steps.results import Frozen, Interpreter
from pystatic_tasks.steps.secrets.written import Written
from pystatic_tasks.steps.slim_lock import FILE, read_lock
from pystatic_tasks.system.libraries import check_libraries
from pystatic_tasks.system.machine import check_machine, host_platform
from pystatic_tasks.system.texts import printable
from pystatic_tasks.system.units import megabytes

# How many names a message lists.
SHOWN = 5


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """What the program is frozen from.

    Attributes:
        interpreter: The Python of the build environment.
        sources: A hash of the installed folders that the configuration or the lock names.
        began: The time by `now` before they were hashed.
    """

    interpreter: Interpreter
    sources: str
    began: int


def prepare(config: ImageConfig, context: StepContext) -> Prepared:
    """Check the machine and fill the build environment."""
    check_machine()
    target.check_command(config)
    if context.installs:
        check_requirements(config)
    began = meanwhile.now()
    wanted = environment.wanted_contents(config, context)
    environment.discard_outdated(context, wanted)
    interpreter = check_interpreter(context.python, config.work, form_of(config))
    sources = wanted.sources
    if environment.fill_environment(config, context, wanted, began):
        # An installation may write into the folders that it installs.
        began, sources = meanwhile.now(), environment.wanted_sources(config, context)
        # What was installed may have more folders to import from.
        interpreter = check_interpreter(context.python, config.work, form_of(config))
    return Prepared(interpreter=interpreter, sources=sources, began=began)


def freeze(config: ImageConfig, context: StepContext) -> Frozen:
    """Freeze the target into `work/frozen/NAME`, one self-extracting program, or into the folder `work/tree/NAME`.

    Raises:
        MissingToolError: the machine or the interpreter lacks something that is needed.
        ConfigError: the target, a setting or a file named in the configuration is wrong.
        FreezeError: PyInstaller failed, or a library is missing.
    """
    check_libraries(config.staticx.libraries)
    observation.exercise_variables(config)
    prepared = prepare(config, context)
    program = program_of(config)
    inputs = freeze_inputs(config, context, prepared.interpreter, prepared.sources)
    there = unchanged(config, Frozen, inputs) if context.use_cache else None
    if there and there.system == stamps_now(config, context, there.system):
        check_own_data(config, context.python, there.data, static_folders=there.static_folders)
        context.say(f"{shown(config, program)} is up to date")
        return there

    started = time.monotonic()
    seen = see_program(config, context)
    say_what_is_left_out(config, context, seen.left_out)
    made, data = make_program(config, context, prepared.interpreter, seen)
    say_what_is_new(config, context, made.optional, prepared.interpreter)
    for name, size in large_interpreters(made.contents):
        context.say("; ".join(large_interpreter(name, size)))
    outputs = [program] if form_of(config) == "archive" else [Path(f"{program}{file.path}") for file in made.files]
    size = sum(path.stat().st_size for path in outputs if not path.is_symlink())
    context.say(f"{shown(config, program)}: {megabytes(size)} uncompressed, in {time.monotonic() - started:.0f} s")
    frozen = describe_result(config, context, prepared, seen, made, data)
    forget_doubtful_analysis(config, made, prepared, seen)
    is_changed = meanwhile.is_changed_by_others(config, "frozen", paths_counted(config, context), prepared.began)
    return write_manifest(
        config, frozen, inputs=inputs if seen.is_whole and not is_changed else "", outputs=outputs
    ).result


def make_program(
    config: ImageConfig, context: StepContext, interpreter: Interpreter, seen: Seen
) -> tuple[FrozenProgram, tuple[DataFile, ...]]:
    """Run PyInstaller, with the project's own files checked before it and after it.

    Returns:
        The program, and all of the project's data in it.

    Raises:
        ConfigError: a file of the project is refused.
        FreezeError: PyInstaller failed, or a library is missing.
    """
    known, written, static_folders = seen.examined.data, seen.written, seen.examined.static_folders
    with as_it_was_installed(context, dict(known), written):
        check_own_data(config, context.python, known, written, static_folders)
    with context.terminal.activity(f"freezing {config.name}") as show:
        made = run_pyinstaller(config, context, seen.examined, seen.observed, lambda line: show(phase_of(line)))
    found = of_project(config, context.python, interpreter.base_prefix, made.data)
    data = tuple(dict.fromkeys([*known, *found]))
    with as_it_was_installed(context, dict(data), written):
        check_own_data(config, context.python, data, written, static_folders)
    with as_it_was_installed(context, made.sources, written):
        check_own_modules(config, made.sources, written)
    return made, data


def describe_result(
    config: ImageConfig,
    context: StepContext,
    prepared: Prepared,
    seen: Seen,
    made: FrozenProgram,
    data: tuple[DataFile, ...],
) -> Frozen:
    """What the later steps need to know of the program."""
    examined, observed = seen.examined, seen.observed
    seen_now = (*examined.read, *observed.read, *observed.libraries)
    decisive = (*seen_now, *dict(examined.data), *made.sources, *made.looked_for)
    kept = cache_folder(config, "estimates", use_cache=context.use_cache)
    return Frozen(
        program=program_of(config),
        files=made.files,
        interpreter=prepared.interpreter,
        environment_python=context.python,
        settings=examined.settings,
        ports=examined.ports,
        distributions=examined.distributions,
        data=data,
        static_folders=examined.static_folders,
        contents=made.contents,
        own_packages=made.own_packages,
        components=made.components,
        tools=made.tools,
        libraries=observed.libraries,
        system_files=tuple(path for path, _ in observed.system_files),
        answers=observed.answers,
        errors=observation.errors_of(config, observed),
        sources=sources(config, context.python),
        uses=observed.uses,
        not_observed=observed.problem,
        optional=made.optional,
        placed=made.placed,
        compressed_alone=compressed_alone(program_of(config), made.components, made.placed, kept / "sizes.json"),
        imported_by=made.imported_by,
        linked_by=made.linked_by,
        system=stamps_of_others(config, context, decisive, prepared.began, seen.states),
        platform=host_platform(),
    )


def forget_doubtful_analysis(config: ImageConfig, made: FrozenProgram, prepared: Prepared, seen: Seen) -> None:
    """Keep no analysis of sources that were changed or replaced meanwhile: it may be of what was there before."""
    sources = [path for path in made.sources if path.startswith("/") and not path.startswith(f"{config.work}/")]
    is_changed = meanwhile.is_any_changed(sources, prepared.began)
    if is_changed or any(meanwhile.is_replaced(path, seen.states) for path in sources):
        (cache_folder(config, form_of(config), use_cache=True) / ANALYSIS).unlink(missing_ok=True)


def program_of(config: ImageConfig) -> Path:
    """The file or folder that this step makes."""
    return config.work / FOLDERS[form_of(config)] / config.name


@contextlib.contextmanager
def as_it_was_installed(context: StepContext, sources: Iterable[str], written: Written) -> Iterator[None]:
    """If the body refuses a source that is an installed file which the program overwrote, have it installed again."""
    try:
        yield
    except ConfigError:
        sites = tuple(f"{os.path.realpath(each)}/" for each in site_packages(context.python))
        if any(path.startswith(sites) for path in written.changed.intersection(map(os.path.realpath, sources))):
            environment.forget_contents(context)
        raise


def say_what_is_left_out(config: ImageConfig, context: StepContext, data: Sequence[DataFile]) -> None:
    """Report the data that is left out because the program itself wrote it."""
    if data:
        places = sorted({str(PurePosixPath(folder, Path(source).name)) for source, folder in data})
        listed = ", ".join([*places[:SHOWN], *(["…"] if len(places) > SHOWN else [])])
        line = f"left out: {listed}, which the program itself wrote; to include a file, list it in freeze.data"
        context.say(hidden(printable(line, len(line)), caller_values(config)))


def say_what_is_new(
    config: ImageConfig, context: StepContext, optional: Iterable[str], interpreter: Interpreter
) -> None:
    """Report what is not in pystatic.lock."""
    slim = read_lock(config)
    if slim is None:
        return
    again = context.command("slim") or "slim"
    known = slim.names_left_out | slim.names_kept
    new = [name for name in optional if not is_among(name, known)]
    if not interpreter.version.startswith(f"{slim.python}."):
        context.say(
            f"{FILE} was written with Python {slim.python}, but this is {interpreter.version}: "
            f"what is new in it is kept; {again} updates the file"
        )
    elif new:
        listed = ", ".join([*new[:SHOWN], *(["…"] if len(new) > SHOWN else [])])
        context.say(f"{FILE} does not know {listed}, so they are kept; {again} updates the file")
