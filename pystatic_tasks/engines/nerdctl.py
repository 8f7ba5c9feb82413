"""containerd, through nerdctl's command line: https://github.com/containerd/nerdctl/blob/main/docs/command-reference.md"""

from pystatic_tasks.engines.base import Engine
from pystatic_tasks.engines.command_line import CommandLineEngine


def here() -> Engine:
    return CommandLineEngine(
        name="nerdctl",
        # The server has none of its own; without containerd the command fails all the same.
        version_arguments=("version", "--format", "{{.Client.Version}}"),
        run_arguments=("--pull", "never"),
        users_arguments=("-o", "uid,pid"),
        # containerd knows an image by the digest of its manifest, Docker by that of its configuration.
        by_reference=True,
        without_root="without root, it can neither choose a free port nor copy from a stopped container",
    )
