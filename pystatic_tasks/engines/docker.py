"""Docker Engine, through its command line."""

from pystatic_tasks.engines.base import Engine
from pystatic_tasks.engines.command_line import CommandLineEngine


def here() -> Engine:
    return CommandLineEngine(
        name="docker",
        version_arguments=("version", "--format", "{{.Server.Version}}"),
        run_arguments=("--pull", "never"),
        users_arguments=("-o", "uid,pid"),
    )
