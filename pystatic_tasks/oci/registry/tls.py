"""Whom to trust, and whether a registry speaks TLS at all."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from urllib3.util.ssltransport import SSLTransport

from pystatic_tasks.errors import PushError
from pystatic_tasks.in_env.web.bounded import Limits
from pystatic_tasks.oci.registry.addresses import Address, parse_address
from pystatic_tasks.oci.registry.bounded_socket import BoundedSocket, connect
from pystatic_tasks.system.certificates import find_bundle

# One folder for each registry, with the certificates of its authority: https://docs.docker.com/engine/security/certificates/
CERTIFICATES_OF_REGISTRIES = (Path("/etc/docker/certs.d"), Path("/etc/containers/certs.d"))
CONNECT_SECONDS = 10
LARGEST_HANDSHAKE_BYTES = 10**6
TUNNEL_REFUSED = re.compile(r"Tunnel connection failed: (\d{3})\b")  # As http.client has it.


class TlsTransport(SSLTransport):
    """TLS that receives through Python, so that the limits of a connection hold, and Ctrl-C is heard.

    OpenSSL by itself reads on for as long as there comes what nobody is told of, such as session tickets.
    """

    @property
    def _io_refs(self) -> int:
        """How many files read from the connection: through another TLS too, as by way of a proxy."""
        return int(self.socket._io_refs)  # type: ignore[attr-defined]

    @_io_refs.setter
    def _io_refs(self, count: int) -> None:
        self.socket._io_refs = count  # type: ignore[attr-defined]


class TlsContext(ssl.SSLContext):
    """Has connections speak TLS in that way."""

    def wrap_socket(self, sock: socket.socket, *_: Any, server_hostname: Any = None, **__: Any) -> Any:
        return TlsTransport(sock, self, server_hostname)


def registry_address(name: str) -> Address:
    """Where a registry is asked: by TLS, but for one on this machine that does not speak it.

    Args:
        name: Host, and port if it has one.

    Raises:
        PushError: it cannot be a host.
    """
    try:
        address = parse_address(f"https://{name}/v2/")
        if address.is_this_machine and not speaks_tls(address):
            address = parse_address(f"http://{name}/v2/")
    except ValueError:
        raise PushError(
            f'"{name}" is neither a valid host nor a host and port.', "Correct the tag that names it."
        ) from None
    return address


def speaks_tls(address: Address) -> bool:
    """Whether there is TLS at an address, with whatever certificate."""
    context = TlsContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    limits = Limits(size_bytes=LARGEST_HANDSHAKE_BYTES, seconds=CONNECT_SECONDS)
    try:
        with (
            connect(address.host, address.port, CONNECT_SECONDS, CONNECT_SECONDS) as connection,
            BoundedSocket(connection, limits) as bounded,
            context.wrap_socket(bounded, server_hostname=address.host),
        ):
            return True
    except OSError:
        return False


def trusted(registry: str, environment: Mapping[str, str]) -> TlsContext:
    """The system's authorities, those of SSL_CERT_FILE and REQUESTS_CA_BUNDLE, and those of the registry.

    Raises:
        PushError: a file that was named is not there, or holds no certificates.
    """
    context = TlsContext(ssl.PROTOCOL_TLS_CLIENT)
    if sys.version_info >= (3, 13):  # As `ssl.create_default_context` has it.
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | ssl.VERIFY_X509_STRICT
    context.load_default_certs()  # Reads SSL_CERT_FILE and SSL_CERT_DIR itself.
    for path in bundles(registry, environment):
        try:
            context.load_verify_locations(*((None, path) if path.is_dir() else (path,)))
        except OSError as error:
            raise PushError(
                f"Cannot read the certificates in {path}: {error.strerror or error}.",
                "Correct the file, or the variable that names it.",
            ) from None
    return context


def bundles(registry: str, environment: Mapping[str, str]) -> Iterator[Path]:
    for variable in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
        if environment.get(variable):
            yield Path(environment[variable])
    defaults = ssl.get_default_verify_paths()
    system = find_bundle()
    # An OpenSSL that was built for another place finds none.
    if system and not (defaults.cafile or defaults.capath):
        yield system
    for folder in CERTIFICATES_OF_REGISTRIES:
        yield from sorted((folder / registry).glob("*.crt"))


def why_untrusted(error: BaseException) -> str:
    """Why a certificate was refused, if that is below an error; otherwise ""."""
    found = (each.verify_message for each in causes(error) if isinstance(each, ssl.SSLCertVerificationError))
    return next(found, "").rstrip(".")


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error and all that it comes from, as the libraries below wrap one into another."""
    seen: list[BaseException] = []
    waiting = [error]
    while waiting:
        each = waiting.pop(0)
        if isinstance(each, BaseException) and not any(each is other for other in seen):
            seen.append(each)
            yield each
            waiting += [getattr(each, "reason", None), *each.args, each.__cause__, each.__context__]


def why_unreachable(error: BaseException) -> str:
    """What the system says of a failed connection; addresses of uploads, which may be secret, are not in it."""
    tunnels = (TUNNEL_REFUSED.match(str(each)) for each in causes(error) if isinstance(each, OSError))
    with contextlib.suppress(StopIteration):
        return f"the proxy answers {next(filter(None, tunnels))[1]}"
    reasons = [each.strerror for each in causes(error) if isinstance(each, OSError) and each.strerror]
    with contextlib.suppress(IndexError):
        return str(reasons[-1])
    if any(isinstance(each, TimeoutError) or "Timeout" in type(each).__name__ for each in causes(error)):
        return "no answer in time"
    return "the connection was cut"
