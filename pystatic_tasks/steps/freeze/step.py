"""The step: check, install, examine the target, run PyInstaller."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, replace
from pathlib import Path, PurePosixPath

from pystatic_tasks.bom.components import our_component
from pystatic_tasks.config.model import ImageConfig, shown
from pystatic_tasks.config.project import PYPROJECT, license_expression, people, read_pyproject, tables_of_others
from pystatic_tasks.config.variables import caller_values, hide_in_files, hiding
from pystatic_tasks.errors import ConfigError, FreezeError
from pystatic_tasks.in_env.modules import EXAMINE, FREEZE, TOOLS
from pystatic_tasks.in_env.names import is_among, is_kept
from pystatic_tasks.in_env.protocol import (
    Component,
    Examined,
    FrozenProgram,
    Observed,
    Own,
    Part,
    Program,
    RefusedError,
    Target,
    ToolNames,
)
from pystatic_tasks.in_env.records import plain, to_json
from pystatic_tasks.in_env.stamps import stamps
from pystatic_tasks.packers import form_of
from pystatic_tasks.steps.build_environment import IN_ENV, ask, tools
from pystatic_tasks.steps.context import StepContext
from pystatic_tasks.steps.freeze import environment, observation, target
from pystatic_tasks.steps.freeze.installed import installed_files
from pystatic_tasks.steps.freeze.interpreter import (
    LARGE_INTERPRETER_BYTES,
    check_interpreter,
    large_interpreter,
)
from pystatic_tasks.steps.freeze.own_data import check_own_data
from pystatic_tasks.steps.freeze.phases import phase_of
from pystatic_tasks.steps.freeze.private import private_memory
from pystatic_tasks.steps.manifest import cache_folder, unchanged, write_manifest
from pystatic_tasks.steps.results import Frozen, Interpreter
from pystatic_tasks.steps.slim_lock import FILE, read_lock
from pystatic_tasks.steps.tools import names_of, tool_requirements
from pystatic_tasks.system.files import fingerprint, hash_file, hash_tree, source_files, write_whole
from pystatic_tasks.system.libraries import check_libraries, missing_libraries
from pystatic_tasks.system.machine import check_machine
from pystatic_tasks.system.processes import last_lines, tool_environment
from pystatic_tasks.system.units import megabytes

PACKAGE = Path(__file__).resolve().parents[2]
# Where a program of each form is made, below the work folder.
FOLDERS = {"archive": "frozen", "tree": "tree"}
# The same program from any folder at any time: a fixed order of sets, and a payload stored raw, so that the
# compression that comes after sees it. Columns of code are shown with source lines only, which are not there.
PYINSTALLER_VARIABLES = {
    "PYTHONHASHSEED": "0",
    "PYINSTALLER_ZLIB_COMPRESSION_LEVEL": "0",
    "PYTHONNODEBUGRANGES": "1",
}
# How many names a line shows.
SHOWN = 5
# Where names of classes stand: in code, and in settings of logging and the like.
TEXT_SUFFIXES = (".py", ".toml", ".yaml", ".yml", ".json", ".ini", ".cfg")


def prepare(config: ImageConfig, context: StepContext) -> Interpreter:
    """Check the machine and fill the build environment."""
    check_machine()
    target.check_command(config)
    wanted = environment.wanted_contents(config, context)
    environment.discard_outdated(context, wanted)
    interpreter = check_interpreter(context.python, config.work)
    environment.fill_environment(config, context, wanted)
    return interpreter


def freeze(config: ImageConfig, context: StepContext) -> Frozen:
    """Freeze the target into `work/frozen/NAME`, one self-extracting program, or into the folder `work/tree/NAME`.

    Raises:
        MissingToolError: the machine or the interpreter lacks something.
        ConfigError: the target, a setting or a file that the configuration names is wrong.
        FreezeError: PyInstaller failed, or a library is missing.
    """
    check_libraries(config.staticx.libraries)
    observation.exercise_variables(config)
    interpreter = prepare(config, context)
    form = form_of(config)
    program = config.work / FOLDERS[form] / config.name
    inputs = freeze_inputs(config, context, interpreter)
    there = unchanged(config, Frozen, inputs) if context.use_cache else None
    if there and there.system == stamps(there.system):
        check_own_data(config, context.python, there.data)
        context.say(f"{shown(config, program)} is up to date")
        return there

    started = time.monotonic()
    with observation.with_services(config, context) as runs_whole:
        with context.terminal.activity(f"importing {config.app or config.script or config.command}"):
            tools_there = find_tools(config, context)
            examined = examine_target(config, context, tools_there)
        observes = context.observes and runs_whole
        observed = observe_target(config, replace(context, observes=observes), examined, tools_there)
    examined = observation.merged(examined, observed)
    check_own_data(config, context.python, examined.data)
    with context.terminal.activity(f"freezing {config.name}") as show:
        made = run_pyinstaller(config, context, examined, observed, lambda line: show(phase_of(line)))
    say_what_is_new(config, context, made.optional, interpreter)
    for name, size in large_interpreters(made.contents):
        context.say("; ".join(large_interpreter(name, size)))
    outputs = [program] if form == "archive" else [Path(f"{program}{file.path}") for file in made.files]
    size = sum(path.stat().st_size for path in outputs if not path.is_symlink())
    context.say(f"{shown(config, program)}: {megabytes(size)} uncompressed, in {time.monotonic() - started:.0f} s")
    frozen = Frozen(
        program=program,
        files=made.files,
        interpreter=interpreter,
        environment_python=context.python,
        settings=examined.settings,
        ports=examined.ports,
        distributions=examined.distributions,
        data=examined.data,
        contents=made.contents,
        own_packages=made.own_packages,
        components=made.components,
        tools=made.tools,
        libraries=observed.libraries,
        system_files=tuple(path for path, _ in observed.system_files),
        answers=observed.answers,
        errors=observation.errors_of(config, observed),
        uses=observed.uses,
        not_observed=observed.problem,
        optional=made.optional,
        system=stamps(not_in_inputs(config, context, [*examined.read, *dict(examined.data), *made.sources])),
    )
    # A program without its services is frozen again the next time, when they may be there.
    return write_manifest(config, frozen, inputs=inputs if runs_whole else "", outputs=outputs).result


def say_what_is_new(
    config: ImageConfig, context: StepContext, optional: Iterable[str], interpreter: Interpreter
) -> None:
    """Say what pystatic.lock does not know."""
    slim = read_lock(config)
    if slim is None:
        return
    known = slim.names_left_out | slim.names_kept
    new = [name for name in optional if not is_among(name, known)]
    if not interpreter.version.startswith(f"{slim.python}."):
        context.say(
            f"{FILE} was written with Python {slim.python}, and this is {interpreter.version}: "
            f"what is new in it is kept; {context.command('slim') or 'slim'} looks again"
        )
    elif new:
        listed = ", ".join([*new[:SHOWN], *(["…"] if len(new) > SHOWN else [])])
        context.say(f"{FILE} does not know {listed}, kept therefore; {context.command('slim') or 'slim'} looks again")


def large_interpreters(contents: Iterable[Part]) -> Iterator[tuple[str, int]]:
    """Name and size, in bytes, of an interpreter or its library that is larger than it need be."""
    for part in contents:
        name = PurePosixPath(part.name).name
        is_interpreter = part.kind == "binary" and name.startswith(("libpython", "python3."))
        if is_interpreter and part.size_bytes > LARGE_INTERPRETER_BYTES:
            yield name, part.size_bytes


def freeze_inputs(config: ImageConfig, context: StepContext, interpreter: Interpreter) -> str:
    """One hash of everything that decides what the frozen program is, beside `asked_of_freeze`."""
    data = [config.root / entry.rpartition(":")[0] for entry in config.freeze.data]
    server_config = target.server_config_file(config)
    slim = read_lock(config)
    return fingerprint(
        {
            "name": config.name,
            "env": config.image.env,
            "interpreter": [asdict(interpreter), stamps([interpreter.libpython])],
            "tools": tools(),
            "installed": installed_files(context.python),
            "sources": environment.hash_sources(config.root) if is_imported_in_place(config) else "",
            "editable": environment.editable_sources(config, context.python),
            "own": to_json(own_components(config)),
            "server_config": hash_file(server_config) if server_config else "",
            "data": [(str(path), hash_tree(path)) for path in data],
            "libraries": [
                (path, hash_file(Path(path))) for path in config.staticx.libraries if form_of(config) == "tree"
            ],
            "slim": slim and [sorted(slim.names_left_out)],
            "observed": observation.exercise_inputs(config) if context.observes else "",
            "made_by": made_by(),
        }
    )


def is_imported_in_place(config: ImageConfig) -> bool:
    """Whether the project's folder itself is imported from."""
    return not config.install or config.script is not None


def not_in_inputs(config: ImageConfig, context: StepContext, paths: Iterable[str]) -> list[str]:
    """Those of the files that went into a program which `freeze_inputs` does not count."""
    counted = [context.python.parents[1], config.work, PACKAGE]
    if is_imported_in_place(config):
        counted.append(config.root)
    # Of our own table other files of the project hold no more than others read.
    return sorted(
        path
        for path in {*paths} - {""}
        if Path(path).name == PYPROJECT or not any(Path(path).is_relative_to(each) for each in counted)
    )


def made_by() -> list[str]:
    """Hashes of the code that freezes."""
    return [hash_tree(PACKAGE / name) for name in ("steps/freeze", "in_env", "hooks", "in_image")]


def find_tools(config: ImageConfig, context: StepContext) -> tuple[str, ...]:
    """The distributions in the build environment that are there to build with only."""
    named = ToolNames(names=(*names_of(tool_requirements()), *environment.INSTALLING_TOOLS))
    folder = config.work / "program"
    shutil.rmtree(folder, ignore_errors=True)
    log = config.work / "target.log"
    _, found = ask(context.python, TOOLS, named, folder=folder, log=log, cwd=config.root, verbose=context.verbose)
    if found is None:
        raise no_answer(config, TOOLS.name, log)
    return found.names


def examine_target(config: ImageConfig, context: StepContext, tools_there: tuple[str, ...]) -> Examined:
    """Import the target in the build environment and learn what follows for the freeze.

    Raises:
        ConfigError: the target does not import, or the server refuses a setting.
        FreezeError: there is no answer.
    """
    folder = config.work / "program"
    target.copy_runner(folder)
    log = config.work / "target.log"
    try:
        _, examined = ask(
            context.python,
            EXAMINE,
            describe_target(config, folder, tools_there),
            folder=folder,
            log=log,
            prefix=private_memory(),
            verbose=context.verbose,
            hide=hiding(caller_values(config)),
            cwd=config.root,
            env={**observation.of_the_machine(), **config.image.env, **observation.exercise_variables(config)},
        )
    except RefusedError as refused:
        refusal = observation.refusal_without_secrets(config, refused.refusal)
        raise ConfigError(refusal.problem, refusal.remedy, refusal.details) from None
    finally:
        hide_in_files(config, [log])
    if examined is None:
        raise no_answer(config, EXAMINE.name, log)
    return examined


def no_answer(config: ImageConfig, module: str, log: Path) -> FreezeError:
    return FreezeError(
        f"{module}.py ended without an answer; its output is in {shown(config, log)}:",
        "If nothing there is of the project, please report it.",
        last_lines(log),
    )


def describe_target(config: ImageConfig, folder: Path, tools_there: tuple[str, ...]) -> Target:
    """What is to be imported; the server's own configuration file is copied into `folder`, where the runner is."""
    loose = (*environment.script_folder(config), *environment.import_paths(config))
    files = [path for top in environment.local_folders(config) for path in source_files(top)]
    sources = [path for path in files if path.suffix in TEXT_SUFFIXES and path.name != PYPROJECT]
    declared = write_declared(config, folder, [path for path in files if path.name == PYPROJECT])
    return Target(
        app=config.app or "",
        server=config.server_kind,
        settings=config.server_settings,
        server_config=target.copy_server_config(config, folder),
        import_paths=(str(folder), *loose),
        loose=loose,
        static=str(folder / "static"),
        hidden_imports=config.freeze.hidden_imports,
        collect=config.freeze.collect,
        metadata=config.freeze.metadata,
        project=str(config.project),
        env=config.image.env,
        tools=tools_there,
        sources=tuple(map(str, [*sources, declared])),
    )


def write_declared(config: ImageConfig, folder: Path, pyprojects: Iterable[Path]) -> Path:
    """Write into `folder` what is looked through in place of these files: of our own table what freeze follows from."""
    content = [plain(config.server), asdict(config.freeze), plain(config.image.env), *map(tables_of_others, pyprojects)]
    path = folder / "declared.json"
    write_whole(path, json.dumps(content, default=str, ensure_ascii=False))
    return path


def observe_target(
    config: ImageConfig, context: StepContext, examined: Examined, tools_there: tuple[str, ...]
) -> Observed:
    """Write the entry script, and run it as an ordinary Python unless that is not wanted."""
    entry = entry_path(config)
    write_whole(entry, target.entry_script(config, examined.settings, examined.commands))
    if not context.observes:
        return Observed()
    with context.terminal.activity(f"observing {config.name}"):
        observed = observation.observe(config, context, entry, tools_there)
    observation.report(config, context, observed)
    return observed


def entry_path(config: ImageConfig) -> Path:
    """The entry script; no module can have a name with a hyphen, so that it stands before none."""
    return config.work / "program" / f"{config.name}-entry.py"


def run_pyinstaller(
    config: ImageConfig,
    context: StepContext,
    examined: Examined,
    observed: Observed,
    watch: Callable[[str], None],
) -> FrozenProgram:
    """Run PyInstaller in the build environment; `watch` is told every line that it prints.

    Raises:
        FreezeError: it failed, or a library is missing.
    """
    folder = config.work / "program"
    log = config.work / "pyinstaller.log"
    variables = {**PYINSTALLER_VARIABLES, "PYINSTALLER_CONFIG_DIR": str(config.work / "cache")}
    path = f"{context.python.parent}:{tool_environment()['PATH']}"
    code, frozen = ask(
        context.python,
        FREEZE,
        describe_program(config, context, examined, observed, folder),
        folder=folder,
        log=log,
        arguments=[
            *("-m", "PyInstaller", IN_ENV / "pyinstaller.spec", "--noconfirm", "--clean"),
            *("--distpath", config.work / FOLDERS[form_of(config)]),
            *("--workpath", config.work / "pyinstaller", "--"),
        ],
        verbose=context.verbose,
        watch=watch,
        cwd=folder,
        env=tool_environment({**variables, "PATH": path}),
    )
    if code != 0 or frozen is None:
        raise FreezeError(
            f"PyInstaller failed with exit code {code}; its output is in {shown(config, log)} and ends so:",
            "Look for the first ERROR there.",
            last_lines(log),
        )
    if frozen.missing:
        raise missing_libraries(FreezeError, config.name, frozen.missing)
    return frozen


def describe_program(
    config: ImageConfig, context: StepContext, examined: Examined, observed: Observed, folder: Path
) -> Program:
    """What is to be frozen; `folder` has its entry script."""
    hooks = ("always", *(f"without-{part}" for part in examined.unused))
    hidden_imports = (*examined.hidden_imports, *config.freeze.hidden_imports)
    wanted = {name.partition(".")[0] for name in hidden_imports}
    return Program(
        name=config.name,
        form=form_of(config),
        is_packed=config.used_packer is not None,
        work=str(folder),
        kept=str(cache_folder(config, form_of(config), use_cache=context.use_cache)),
        entry=str(entry_path(config)),
        is_script=config.script is not None,
        title=config.script or entry_path(config).name,
        import_paths=(
            str(folder),
            *environment.script_folder(config),
            *environment.import_paths(config),
            *observed.import_paths,
        ),
        hidden_imports=hidden_imports,
        excludes=(*config.freeze.excludes, *(name for name in examined.tool_modules if name not in wanted)),
        data=(*examined.data, *(data_pair(config, entry) for entry in config.freeze.data)),
        collect=config.freeze.collect,
        hooks=tuple(str(PACKAGE / "hooks" / part) for part in hooks),
        libraries=(*config.staticx.libraries, *observed.libraries),
        left_out=left_out(config),
        tls=config.slim.tls,
        loose=tuple(str(path) for path in loose_files(config)),
        made_by=(*made_by(), fingerprint(tools())),
        own=own_components(config),
        optimize=config.freeze.optimize,
        strip=config.freeze.strip,
    )


def left_out(config: ImageConfig) -> tuple[str, ...]:
    """Names of what pystatic.lock leaves out, sorted, but for what the configuration keeps by now."""
    slim = read_lock(config)
    return tuple(sorted(name for name in slim.names_left_out if not is_kept(name, config.slim.keep))) if slim else ()


def own_components(config: ImageConfig) -> Own:
    """Whose the files are that nobody else brought."""
    project = read_pyproject(config.project).get("project", {})
    return Own(
        project=Component(
            kind="project",
            type="generic",
            name=str(project.get("name", config.name)),
            version=str(project.get("version", "")),
            licenses=tuple(filter(None, [license_expression(project.get("license"))])),
            supplier=people(project),
        ),
        runner=our_component(),
        folder=str(config.root),
    )


def loose_files(config: ImageConfig) -> list[Path]:
    """The files in folders that are imported from where they are."""
    folders = [*map(Path, environment.script_folder(config)), *([] if config.install else [config.root])]
    return list(dict.fromkeys(path for folder in folders for path in source_files(folder)))


def data_pair(config: ImageConfig, entry: str) -> tuple[str, str]:
    source, _, folder = entry.rpartition(":")
    if not (config.root / source).exists():
        raise ConfigError(
            f'tool.pystatic-tasks.freeze.data names "{source}", and it is not in {config.root}.', "Correct the path."
        )
    return str(config.root / source), folder
