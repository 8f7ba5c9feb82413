"""What a server is here: everything that freezing, running and judging a program needs to know of it.

On the machine that builds, the server's own package is not installed: what is asked there does without it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

from ..healthcheck import Listener

Config = TypeVar("Config")


class Examination(NamedTuple):
    """What follows from a server's settings for the freeze.

    Attributes:
        settings: To freeze in.
        hidden_imports: Modules that the server imports by name.
        ports: TCP ports that it listens on, sorted.
        unused_parts: Parts of the server that never start, each the end of a folder's name in `hooks/without-…`.
    """

    settings: Mapping[str, Any]
    hidden_imports: Sequence[str]
    ports: Sequence[int]
    unused_parts: Sequence[str]


class Server(Protocol[Config]):
    """A server; `Config` is what it makes of all settings, variables and arguments."""

    # Where the image is built.

    requirement: str
    """What pip installs beside the project."""

    config_file: str
    """Usual name of the configuration file of its own, a module of Python; "" if it has none."""

    def listen_at(self, environment: Mapping[str, str], host: str, port: int) -> Mapping[str, str]:
        """The variables that make it listen there, whatever its settings are; `environment` is what it gets else."""

    # What its log says.

    error_line: str
    """Regular expression that finds a line at a level of errors."""

    warning_line: str
    """Regular expression that finds a line at the level of warnings."""

    advice: Sequence[tuple[str, str]]
    """What to do, each after the regular expression that finds the reason in the log."""

    no_port: str
    """Why there is no TCP port that could be asked, where there is none."""

    # In the build environment.

    def examine(
        self, app: Any, settings: Mapping[str, Any], own: Mapping[str, Any], environment: Mapping[str, str]
    ) -> Examination:
        """Check the settings for this application, and say what follows.

        Args:
            app: The application, imported.
            settings: The project's settings.
            own: The names of the server's own configuration file, empty without one.
            environment: The image's environment variables.

        Raises:
            SettingsError: the server refuses a setting, or serves no such application.
        """

    # In the image.

    def configure(
        self,
        settings: Mapping[str, Any],
        own: Mapping[str, Any],
        environment: Mapping[str, str],
        arguments: Sequence[str],
    ) -> Config:
        """What all settings come to, from weak to strong: defaults, `own`, `settings`, variables, arguments.

        Raises:
            SettingsError: one is unknown, or a value is refused.
            SystemExit: an argument is unknown, or asks for help or the version.
        """

    def listener(self, config: Config) -> Listener:
        """Where it listens; the first place of several."""

    def serve(self, load: Callable[[], Any], config: Config) -> int:
        """Serve what `load` returns until told to stop; the exit code.

        Raises:
            SettingsError: before anything is loaded, for what cannot be met here, such as a port in use.
        """
