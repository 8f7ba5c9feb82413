"""From the target to the script that PyInstaller starts from."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pystatic_tasks.config.convert import nearest
from pystatic_tasks.config.model import ImageConfig
from pystatic_tasks.config.project import read_pyproject
from pystatic_tasks.errors import ConfigError
from pystatic_tasks.in_image.servers import find_server

RUNNER = Path(__file__).resolve().parents[2] / "in_image"
FROZEN_RUNNER = "pystatic_runner"
# The module that the server's own configuration file becomes in the program.
SERVER_CONFIG = "pystatic_server_conf"
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
    """Put the runner, under its frozen name, into `folder`."""
    target = folder / FROZEN_RUNNER
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(RUNNER, target, ignore=shutil.ignore_patterns("__pycache__", "unfrozen.py"))


def server_config_file(config: ImageConfig) -> Path | None:
    """The project's own configuration file of the server: the one that server.config names, or the usual one if there.

    Raises:
        ConfigError: the file that is named is not there, or the server has none.
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
            f'tool.pystatic-tasks.server.config names "{name}", and there is no such file in {config.root}.',
            "Correct the name.",
        )
    return path


def copy_server_config(config: ImageConfig, folder: Path) -> str:
    """Put that file, under its frozen name, into `folder`; the name of the module, "" if there is none."""
    path = server_config_file(config)
    if path is None:
        return ""
    shutil.copyfile(path, folder / f"{SERVER_CONFIG}.py")
    return SERVER_CONFIG


def entry_script(config: ImageConfig, settings: Mapping[str, Any]) -> str:
    """The source of the entry script.

    Args:
        config: Has the target.
        settings: The settings of the server to freeze in.

    Raises:
        ConfigError: the script or the command is not there.
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
                f'tool.pystatic-tasks.script names "{config.script}", and there is no such file in {config.root}.',
                "Correct the name.",
            )
        return path.read_text(encoding="utf-8")
    return command_script(config)


def command_script(config: ImageConfig) -> str:
    scripts = read_pyproject(config.project).get("project", {}).get("scripts", {})
    reference = scripts.get(config.command) if isinstance(scripts, Mapping) else None
    if reference is None:
        hint = nearest(str(config.command), scripts) if scripts else "there are none"
        raise ConfigError(
            f'tool.pystatic-tasks.command names "{config.command}", which is not in [project.scripts]; {hint}',
            "Correct the name.",
        )
    match = re.fullmatch(REFERENCE, str(reference).strip())
    if match is None:
        raise ConfigError(
            f'[project.scripts] has {config.command} = "{reference}", which is not "package.module:callable".',
            "Correct it there.",
        )
    return COMMAND_SCRIPT.format(module=match[1], first=match[2], attribute=f"{match[2]}{match[3]}")
