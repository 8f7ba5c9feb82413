"""Chooses the address at which the program's port is published."""

from __future__ import annotations

import errno
import socket

from pystatic_tasks.engines import Artifact
from pystatic_tasks.errors import ConfigError
from pystatic_tasks.in_env.web.client import LOOPBACK, free_port

EVERYWHERE = "0.0.0.0"
PROBLEMS = {
    errno.EADDRINUSE: "is in use",
    errno.EACCES: "is allowed only for root",
    errno.EADDRNOTAVAIL: "is not at an address of this machine",
}


def choose_address(artifact: Artifact, wanted: tuple[str, int] | None) -> tuple[str, int] | None:
    """Host and port of this machine: the wanted ones, or else the program's own port at 127.0.0.1, if it is free.

    Returns:
        None if the program serves no TCP port.

    Raises:
        ConfigError: the wanted ones are not available.
    """
    if artifact.port is None:
        if wanted:
            raise ConfigError(
                "--publish is given, but no TCP port of the program is known.",
                "Remove it, or set smoke.port to the port of the script or command.",
            )
        return None
    if wanted is None:
        return LOOPBACK, free_port() if problem_of(LOOPBACK, artifact.port) else artifact.port
    problem = problem_of(*wanted)
    if problem:
        raise ConfigError(
            f"--publish {wanted[0]}:{wanted[1]}: that port {problem}.",
            "Choose another port; without --publish, a free one is used.",
        )
    return wanted


def problem_of(host: str, port: int) -> str:
    """Why no program can listen there, as the end of a sentence; "" if one can."""
    with socket.socket() as probe:
        # As servers do, so that closed connections do not block the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return PROBLEMS.get(error.errno or 0, f"is not available ({error.strerror})")
    return ""


def url_of(address: tuple[str, int]) -> str:
    """The address for a browser on this machine."""
    host, port = address
    return f"http://{LOOPBACK if host == EVERYWHERE else host}:{port}/"
