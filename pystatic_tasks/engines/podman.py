"""Podman, through its command line."""

from pystatic_tasks.engines.command_line import CommandLineEngine

PODMAN = CommandLineEngine(
    name="podman",
    version_arguments=("info", "--format", "{{.Version.Version}}"),
    # Without the second, a read-only root gets writable /run, /tmp and /var/tmp.
    run_arguments=("--pull", "never", "--read-only-tmpfs=false"),
    users_arguments=("user",),
)
