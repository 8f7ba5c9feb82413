"""Writes the entry script for the target, from which PyInstaller starts."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pystatic_tasks.config.convert import nearest
from pystatic_tasks.config.model import ImageConfig
from pystatic_tasks.config.project import is_path, read_pyproject
from pystatic_tasks.errors import ConfigError
from pystatic_tasks.in_image.servers import find_server
from pystatic_tasks.steps.freeze.install.locks import find_lock, folder_of
from pystatic_tasks.system.files import naming

RUNNER = Path(__file__).resolve().parents[3] / "in_image"
FROZEN_RUNNER = "pystatic_runner"
# The name of the server's own configuration file as a module in the program.
SERVER_CONFIG = "pystatic_server_conf"
# Fields that a build backend may determine, and that may add commands.
COMMANDS_BY_BACKEND = {"dependencies", "scripts", "entry-points"}
NAME = r"(?!\d)\w+"
REFERENCE = rf"({NAME}(?:\.{NAME})*)\s*:\s*({NAME})((?:\.{NAME})*)\s*(?:\[.*\])?"

APP_SCRIPT = """\
import sys

from {runner}.application import import_app
from {runner}.main import main
from {runner}.servers.{server} import SERVER{import_own}

SETTINGS = {settings!r}


def load():
    import {module}

    return import_app({target!r})


if __name__ == "__main__":
    sys.exit(main(SERVER, load, SETTINGS, {own}))
"""

COMMAND_SCRIPT = """\
import sys

from {module} import {first}

if __name__ == "__main__":
    sys.exit({attribute}())
"""


def copy_runner(folder: Path) -> None:
    """Copy the runner into `folder`, under its name in the program."""
    target = folder / FROZEN_RUNNER
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(RUNNER, target, ignore=shutil.ignore_patterns("__pycache__", "unfrozen.py", "launcher"))


def server_config_file(config: ImageConfig) -> Path | None:
    """The project's own configuration file for the server: the one in server.config, or the usual one if it exists.

    Raises:
        ConfigError: the named file does not exist, or the server has no configuration file.
    """
    usual = find_server(config.server_kind).config_file
    name = config.server.get("config", usual)
    path = config.root / str(name).removeprefix("file:")
    if not config.app or not name or ("config" not in config.server and not path.is_file()):
        return None
    if not usual:
        raise ConfigError(
            f'tool.pystatic-tasks.server.config names "{name}", and {config.server_kind} has no such file.',
            "Remove it, and write the settings themselves.",
        )
    if not path.is_file():
        raise ConfigError(
            f'tool.pystatic-tasks.server.config names "{name}", which is not a file in {config.root}.',
            "Correct the name.",
        )
    return path


def copy_server_config(config: ImageConfig, folder: Path) -> str:
    """Copy that file into `folder` under its name in the program; returns the module's name, or "" without a file."""
    path = server_config_file(config)
    if path is None:
        return ""
    copy = folder / f"{SERVER_CONFIG}.py"
    with naming(copy):
        shutil.copyfile(path, copy)
    return SERVER_CONFIG


def entry_script(config: ImageConfig, settings: Mapping[str, Any], commands: Mapping[str, str]) -> str:
    """The source of the entry script.

    Args:
        config: The configuration with the target.
        settings: The server's settings to freeze in.
        commands: What the installed commands call, by name.

    Raises:
        ConfigError: the script or the command does not exist.
    """
    if config.app:
        module = config.app.partition(":")[0]
        has_own = server_config_file(config) is not None
        return APP_SCRIPT.format(
            runner=FROZEN_RUNNER,
            server=config.server_kind,
            import_own=f"\nimport {SERVER_CONFIG}" if has_own else "",
            own=f"vars({SERVER_CONFIG})" if has_own else "{}",
            settings=dict(settings),
            module=module,
            target=config.app,
        )
    if config.script:
        path = config.root / config.script
        if not path.is_file():
            raise ConfigError(
                f'tool.pystatic-tasks.script names "{config.script}", which is not a file in {config.root}.',
                "Correct the name.",
            )
        return path.read_text(encoding="utf-8")
    return command_script(config, commands)


def check_command(config: ImageConfig) -> None:
    """Reject a command that cannot exist, whatever will be installed.

    Raises:
        ConfigError: it is not in [project.scripts], and nothing will be installed that could provide it; or its entry
            there is not valid.
    """
    if not config.command:
        return
    own = own_commands(config)
    if config.command in own:
        command_script(config, {})
    elif not brings_others(config):
        raise ConfigError(
            f'tool.pystatic-tasks.command names "{config.command}", which is not in [project.scripts]; '
            f"{hint_at(config.command, own)}",
            "Correct the name.",
        )


def command_script(config: ImageConfig, commands: Mapping[str, str]) -> str:
    """The script for the configured command, which is one of the project's or one of `commands`."""
    name, own = str(config.command), own_commands(config)
    if name in own:
        wrong = f'[project.scripts] has {name} = "{own[name]}", which is not', "Correct it there."
        return script_of(str(own[name]), *wrong)
    if name in commands:
        remedy = "Write a script that does the same, and name it in tool.pystatic-tasks.script."
        return script_of(
            commands[name], f'The command "{name}" that is installed calls "{commands[name]}", not', remedy
        )
    raise ConfigError(
        f'tool.pystatic-tasks.command names "{name}", which is neither in [project.scripts] nor installed; '
        f"{hint_at(name, {**commands, **own})}",
        "Correct the name, or add the package that provides it to the project's dependencies.",
    )


def hint_at(name: str, known: Mapping[str, Any]) -> str:
    return nearest(name, known) if known else "there are none"


def script_of(reference: str, wrong: str, remedy: str) -> str:
    """The script that calls what an entry point names.

    Raises:
        ConfigError: the reference is not valid; the two texts are its message.
    """
    match = re.fullmatch(REFERENCE, reference.strip())
    if match is None:
        raise ConfigError(f'{wrong} "package.module:callable".', remedy)
    return COMMAND_SCRIPT.format(module=match[1], first=match[2], attribute=f"{match[2]}{match[3]}")


def own_commands(config: ImageConfig) -> Mapping[str, Any]:
    """The table [project.scripts]."""
    scripts = read_pyproject(config.project).get("project", {}).get("scripts", {})
    return scripts if isinstance(scripts, Mapping) else {}


def brings_others(config: ImageConfig) -> bool:
    """Whether something will be installed that may provide commands which are not in [project.scripts]."""
    if config.requirements or config.groups or find_lock(config):
        return True
    return any(may_bring(config, entry) for entry in config.install)


def may_bring(config: ImageConfig, entry: str) -> bool:
    """Whether an entry of `install` may provide such commands: any, except a project without dependencies."""
    is_project = is_path(entry) and folder_of(config, entry) == config.project.resolve() and "[" not in entry
    project = read_pyproject(config.project).get("project") if is_project else None
    if not project:
        return True
    return bool(project.get("dependencies")) or not COMMANDS_BY_BACKEND.isdisjoint(project.get("dynamic", ()))
