"""Podman, through its command line."""

from pystatic_tasks.engines.base import Engine
from pystatic_tasks.engines.command_line import CommandLineEngine


def here() -> Engine:
    return CommandLineEngine(
        name="podman",
        version_arguments=("info", "--format", "{{.Version.Version}}"),
        # Without the second option, a read-only root gets a writable /run, /tmp and /var/tmp.
        # With it, newer versions also make /dev/shm read-only, which other engines leave writable.
        run_arguments=(
            *("--pull", "never", "--read-only-tmpfs=false"),
            *("--tmpfs", "/dev/shm:rw,noexec,nosuid,nodev,mode=1777"),
        ),
        users_arguments=("user",),
    )
