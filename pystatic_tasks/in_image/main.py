"""A program that is a server around one application."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .errors import SettingsError
from .healthcheck import ask_myself, write_down
from .heard import TRIAL, heard

if TYPE_CHECKING:
    from .servers.server import Server

HEALTHCHECK = "--healthcheck"


def main(
    server: Server[Any],
    load: Callable[[], Any],
    settings: Mapping[str, Any],
    own: Mapping[str, Any],
    arguments: Sequence[str] | None = None,
) -> int:
    """Serve until told to stop, or ask the running server whether it is well.

    Args:
        server: What serves.
        load: Returns the application; called once before the workers start, or in each if the server is told so.
        settings: The project's settings, by the server's names.
        own: The names of the server's own configuration file, empty without one.
        arguments: Command-line arguments; those of the process unless given.

    Returns:
        The exit code: 0 after an orderly stop, 1 if the health check found no good answer,
        2 if a setting, a variable or an argument is wrong or cannot be met here; others are the server's.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    checks_health = arguments[:1] == [HEALTHCHECK]
    try:
        config = server.configure(settings, own, os.environ, [] if checks_health else arguments)
        if checks_health:
            return ask_myself(server.listener(config), arguments[1] if len(arguments) > 1 else "/")
        write_down(server.listener(config), sys.prefix)
        return server.serve(heard(load) if TRIAL in os.environ else load, config)
    except SettingsError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
