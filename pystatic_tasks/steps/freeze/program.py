"""Runs PyInstaller in the build environment to freeze the program."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from pystatic_tasks.bom.components import without_credentials
from pystatic_tasks.config.hiding import hiding
from pystatic_tasks.config.model import ImageConfig, shown
from pystatic_tasks.config.variables import caller_values
from pystatic_tasks.errors import ConfigError, FreezeError
from pystatic_tasks.in_env.freeze.in_pyinstaller import SPEC
from pystatic_tasks.in_env.modules import FREEZE
from pystatic_tasks.in_env.protocol import Examined, FrozenProgram, Observed, Program
from pystatic_tasks.packers import form_of
from pystatic_tasks.steps.build_environment import ask, tools
from pystatic_tasks.steps.context import StepContext
from pystatic_tasks.steps.freeze.inputs import PACKAGE, made_by, own_components
from pystatic_tasks.steps.freeze.install import project_files
from pystatic_tasks.steps.freeze.observe.examination import entry_path
from pystatic_tasks.steps.freeze.observe.observation import exercise_variables, import_variables
from pystatic_tasks.steps.manifest import cache_folder
from pystatic_tasks.steps.slim_lock import left_out
from pystatic_tasks.system.beneath import remove_tree
from pystatic_tasks.system.files import fingerprint
from pystatic_tasks.system.libraries import missing_libraries
from pystatic_tasks.system.processes import FOREIGN_VARIABLES, last_lines

# The output folder for each form of program, below the work folder.
FOLDERS = {"archive": "frozen", "tree": "tree"}
# For reproducible programs, the order of sets is fixed. The payload is stored uncompressed, so that the later
# compression works on it. Column positions of code are left out: they are shown only with source lines.
PYINSTALLER_VARIABLES = {
    "PYTHONHASHSEED": "0",
    "PYINSTALLER_ZLIB_COMPRESSION_LEVEL": "0",
    "PYTHONNODEBUGRANGES": "1",
}


def run_pyinstaller(
    config: ImageConfig,
    context: StepContext,
    examined: Examined,
    observed: Observed,
    watch: Callable[[str], None],
) -> FrozenProgram:
    """Run PyInstaller in the build environment; `watch` is called with every line that it prints.

    Raises:
        FreezeError: PyInstaller failed, or a library is missing.
    """
    folder = config.work / "program"
    log = config.work / "pyinstaller.log"
    with empty_home(config) as home:
        code, frozen = ask(
            context.python,
            FREEZE,
            describe_program(config, context, examined, observed, folder),
            folder=folder,
            log=log,
            arguments=[
                *("-m", "PyInstaller", SPEC, "--noconfirm", "--clean"),
                *("--distpath", config.work / FOLDERS[form_of(config)]),
                *("--workpath", config.work / "pyinstaller", "--"),
            ],
            verbose=context.verbose,
            watch=watch,
            # Packages in `collect` are imported, and may show what they read.
            hide=hiding(caller_values(config)),
            cwd=folder,
            env=environment_of_pyinstaller(config, context.python, home),
        )
    if code != 0 or frozen is None:
        raise FreezeError(
            f"PyInstaller failed with exit code {code}; its output is in {shown(config, log)} and ends with:",
            "Look for the first ERROR in it.",
            last_lines(log),
        )
    if frozen.missing:
        raise missing_libraries(FreezeError, config.name, frozen.missing)
    # Metadata and notices of components are published.
    return replace(frozen, components=tuple(map(without_credentials, frozen.components)))


@contextlib.contextmanager
def empty_home(config: ImageConfig) -> Iterator[Path]:
    """An empty home folder: what hooks and imported packages find in the user's would get into the program."""
    home = config.work / "home"
    remove_tree(home)
    home.mkdir(parents=True)
    try:
        yield home
    finally:
        remove_tree(home)


def environment_of_pyinstaller(config: ImageConfig, python: Path, home: Path) -> dict[str, str]:
    """PyInstaller's variables: those of the target's import, but another home folder.

    PyInstaller runs hooks, and imports the packages in `collect`.
    """
    named = import_variables(config, HOME=str(home)).items()
    return {
        **{name: value for name, value in named if not name.startswith(FOREIGN_VARIABLES)},
        **PYINSTALLER_VARIABLES,
        "PYINSTALLER_CONFIG_DIR": str(config.work / "cache"),
        "PATH": f"{python.parent}:{os.environ.get('PATH', os.defpath)}",
    }


def describe_program(
    config: ImageConfig, context: StepContext, examined: Examined, observed: Observed, folder: Path
) -> Program:
    """The question to the freezer; `folder` contains the entry script."""
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
            *project_files.script_folder(config),
            *project_files.import_paths(config),
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
        loose=tuple(str(path) for path in project_files.loose_files(config)),
        editable=project_files.editable_sources(context.python),
        made_by=(*made_by(), fingerprint([tools(), {**config.image.env, **exercise_variables(config)}])),
        own=own_components(config),
        optimize=config.freeze.optimize,
        strip=config.freeze.strip,
    )


def data_pair(config: ImageConfig, entry: str) -> tuple[str, str]:
    source, _, folder = entry.rpartition(":")
    if not (config.root / source).exists():
        raise ConfigError(
            f'tool.pystatic-tasks.freeze.data names "{source}", which is not in {config.root}.', "Correct the path."
        )
    return str(config.root / source), folder
