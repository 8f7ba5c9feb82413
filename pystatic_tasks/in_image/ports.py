"""TCP ports: what a variable says of them, and whether they can be had."""

from __future__ import annotations

import errno
import re
import socket
from collections.abc import Mapping

from .errors import SettingsError


def asked_port(environment: Mapping[str, str]) -> int | None:
    """The port that the variable PORT names; none if it is empty or not there.

    Raises:
        SettingsError: it is not a port.
    """
    port = environment.get("PORT")
    if not port:
        return None
    if not re.fullmatch("[0-9]+", port) or not 0 < int(port) < 65536:
        raise SettingsError(f"PORT = {port!r} is not a valid port; ports range from 1 to 65535.")
    return int(port)


def refuse_port_in_use(host: str, port: int) -> None:
    """Say at once, and what to do, where a server would say it late or in its own words.

    Raises:
        SettingsError: nobody, or not this user, can listen there.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise SettingsError(
                    f"Port {port} of {host} is in use. Stop the program that holds it, or set PORT to a free one."
                ) from None
            if error.errno == errno.EACCES:
                raise SettingsError(
                    f"Port {port} of {host} is not allowed to this user. Set PORT to one above 1023."
                ) from None
