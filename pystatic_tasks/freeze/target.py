"""From the target to the script that PyInstaller starts from."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pystatic_tasks.config.convert import nearest
from pystatic_tasks.config.model import Image
from pystatic_tasks.errors import ConfigError
from pystatic_tasks.project import read_pyproject

RUNNER = Path(__file__).resolve().parent.parent / "runner"
FROZEN_RUNNER = "pystatic_runner"
# gunicorn's own default name, and the module that the file becomes in the program.
SERVER_CONFIG_FILE = "gunicorn.conf.py"
SERVER_CONFIG = "pystatic_gunicorn_conf"
NAME = r"(?!\d)\w+"
REFERENCE = rf"({NAME}(?:\.{NAME})*)\s*:\s*({NAME})((?:\.{NAME})*)\s*(?:\[.*\])?"

APP_SCRIPT = """\
import sys

from gunicorn.util import import_app
from {runner}.server import main{import_own}

SETTINGS = {settings!r}


def load():
    import {module}

    return import_app({target!r})


if __name__ == "__main__":
    sys.exit(main(load, SETTINGS, {own}))
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
    shutil.copytree(RUNNER, target, ignore=shutil.ignore_patterns("__pycache__", "__main__.py"))


def server_config_file(image: Image) -> Path | None:
    """The project's own configuration file of gunicorn: the one that server.config names, or the usual one if there.

    Raises:
        ConfigError: the file that is named is not there.
    """
    name = image.server.get("config", SERVER_CONFIG_FILE)
    path = image.root / str(name).removeprefix("file:")
    if not image.app or not name or ("config" not in image.server and not path.is_file()):
        return None
    if not path.is_file():
        raise ConfigError(
            f'tool.pystatic-tasks.server.config names "{name}", and there is no such file in {image.root}.',
            "Correct the name.",
        )
    return path


def copy_server_config(image: Image, folder: Path) -> str:
    """Put that file, under its frozen name, into `folder`; the name of the module, "" if there is none."""
    path = server_config_file(image)
    if path is None:
        return ""
    shutil.copyfile(path, folder / f"{SERVER_CONFIG}.py")
    return SERVER_CONFIG


def entry_script(image: Image, settings: Mapping[str, Any]) -> str:
    """The source of the entry script.

    Args:
        image: Has the target.
        settings: gunicorn's settings to freeze in.

    Raises:
        ConfigError: the script or the command is not there.
    """
    if image.app:
        module = image.app.partition(":")[0]
        has_own = server_config_file(image) is not None
        return APP_SCRIPT.format(
            runner=FROZEN_RUNNER,
            import_own=f"\nimport {SERVER_CONFIG}" if has_own else "",
            own=f"vars({SERVER_CONFIG})" if has_own else "{}",
            settings=dict(settings),
            module=module,
            target=image.app,
        )
    if image.script:
        path = image.root / image.script
        if not path.is_file():
            raise ConfigError(
                f'tool.pystatic-tasks.script names "{image.script}", and there is no such file in {image.root}.',
                "Correct the name.",
            )
        return path.read_text(encoding="utf-8")
    return command_script(image)


def command_script(image: Image) -> str:
    scripts = read_pyproject(image.project).get("project", {}).get("scripts", {})
    reference = scripts.get(image.command) if isinstance(scripts, Mapping) else None
    if reference is None:
        hint = nearest(str(image.command), scripts) if scripts else "there are none"
        raise ConfigError(
            f'tool.pystatic-tasks.command names "{image.command}", which is not in [project.scripts]; {hint}',
            "Correct the name.",
        )
    match = re.fullmatch(REFERENCE, str(reference).strip())
    if match is None:
        raise ConfigError(
            f'[project.scripts] has {image.command} = "{reference}", which is not "package.module:callable".',
            "Correct it there.",
        )
    return COMMAND_SCRIPT.format(module=match[1], first=match[2], attribute=f"{match[2]}{match[3]}")
