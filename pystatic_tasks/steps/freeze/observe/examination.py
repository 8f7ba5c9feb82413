"""Imports and runs the target in the build environment before it is frozen."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path

from pystatic_tasks.config.hiding import hiding
from pystatic_tasks.config.model import ImageConfig, shown
from pystatic_tasks.config.project import PYPROJECT, tables_of_others
from pystatic_tasks.config.variables import caller_values, hide_in_files
from pystatic_tasks.errors import ConfigError, FreezeError
from pystatic_tasks.in_env.modules import EXAMINE, TOOLS
from pystatic_tasks.in_env.protocol import Examined, Observed, RefusedError, Target, ToolNames
from pystatic_tasks.in_env.records import plain, to_json
from pystatic_tasks.steps.build_environment import ask
from pystatic_tasks.steps.context import StepContext
from pystatic_tasks.steps.freeze.inputs import made_by
from pystatic_tasks.steps.freeze.install import asked_for, environment, project_files
from pystatic_tasks.steps.freeze.install.installed import metadata_there
from pystatic_tasks.steps.freeze.observe import observation, target
from pystatic_tasks.steps.freeze.observe.private import private_memory
from pystatic_tasks.steps.manifest import cache_folder, read_record
from pystatic_tasks.steps.tools import names_of, tool_requirements
from pystatic_tasks.system.files import fingerprint, write_whole
from pystatic_tasks.system.processes import last_lines
from pystatic_tasks.system.redaction import masked_within


def find_tools(config: ImageConfig, context: StepContext) -> ToolNames:
    """The distributions in the build environment that only build tools or only dependency groups require.

    They are determined again only if the installed distributions have changed.
    """
    named = ToolNames(
        names=(*names_of(tool_requirements(config)), *environment.INSTALLING_TOOLS),
        of_groups=tuple(names_of(asked_for.group_requirements(config))),
        asked=tuple(asked_for.asked_by_name(config)),
    )
    key = fingerprint([to_json(named), context.wanted_python, metadata_there(context.python), made_by()])
    kept = cache_folder(config, "tools", use_cache=context.use_cache) / f"{key}.json"
    known = read_record(kept, ToolNames)
    if known is None:
        shutil.rmtree(kept.parent, ignore_errors=True)
        known = look_for_tools(config, context, named)
        write_whole(kept, json.dumps(to_json(known)))
    return known


def look_for_tools(config: ImageConfig, context: StepContext, named: ToolNames) -> ToolNames:
    folder, log = config.work / "program", config.work / "target.log"
    _, found = ask(context.python, TOOLS, named, folder=folder, log=log, cwd=config.root, verbose=context.verbose)
    if found is None:
        raise no_answer(config, TOOLS.name, log)
    return found


def examine_target(config: ImageConfig, context: StepContext, tools_there: tuple[str, ...]) -> Examined:
    """Import the target in the build environment, and find what the freeze has to know.

    Raises:
        ConfigError: the target cannot be imported, or the server rejects a setting.
        FreezeError: there is no answer.
    """
    folder = config.work / "program"
    shutil.rmtree(folder, ignore_errors=True)
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
            env=observation.import_variables(config),
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
        f"{module.replace('.', '/')}.py ended without a result; its output is in {shown(config, log)}:",
        "If the cause is not in the project, please report it.",
        last_lines(log),
    )


def describe_target(config: ImageConfig, folder: Path, tools_there: tuple[str, ...]) -> Target:
    """The question about the target; copies the server's own configuration file into `folder`, beside the runner."""
    loose = (*project_files.script_folder(config), *project_files.import_paths(config))
    files = project_files.files_with_names(config)
    sources = [path for path in files if path.name != PYPROJECT]
    declared = write_declared(config, folder, [path for path in files if path.name == PYPROJECT])
    return Target(
        app=config.app or "",
        server=config.server_kind,
        settings=config.server_settings,
        server_config=target.copy_server_config(config, folder),
        import_paths=(str(folder), *loose),
        loose=loose,
        static=str(observation.static_folder(config)),
        hidden_imports=config.freeze.hidden_imports,
        collect=config.freeze.collect,
        metadata=config.freeze.metadata,
        project=str(config.project),
        env=config.image.env,
        tools=tools_there,
        sources=tuple(map(str, [*sources, declared])),
    )


def write_declared(config: ImageConfig, folder: Path, pyprojects: Iterable[Path]) -> Path:
    """Write a file to search for names instead of these pyproject.toml, without credentials in URLs.

    Of our own table, it contains only what the freeze depends on.
    """
    content = [plain(config.server), asdict(config.freeze), plain(config.image.env), *map(tables_of_others, pyprojects)]
    path = folder / "declared.json"
    write_whole(path, json.dumps(masked_within(content), default=str, ensure_ascii=False))
    return path


def observe_target(
    config: ImageConfig,
    context: StepContext,
    examined: Examined,
    tools_there: ToolNames,
    note_changes: Callable[[Iterable[str]], None],
) -> Observed:
    """Write the entry script, and observe it with plain Python unless that is disabled."""
    entry = entry_path(config)
    write_whole(entry, target.entry_script(config, examined.settings, examined.commands))
    if not context.observes:
        return Observed()
    with context.terminal.activity(f"observing {config.name}"):
        observed = observation.observe(config, context, entry, examined, tools_there, note_changes)
    observation.report(config, context, observed)
    return observed


def entry_path(config: ImageConfig) -> Path:
    """The path of the entry script; the hyphen keeps it from hiding any module."""
    return config.work / "program" / f"{config.name}-entry.py"
