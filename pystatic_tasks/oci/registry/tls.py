"""Sets up TLS for registries: trusted certificates, limits, and whether a registry uses TLS at all."""

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
TUNNEL_REFUSED = re.compile(r"Tunnel connection failed: (\d{3})\b")  # The message of http.client.


class TlsTransport(SSLTransport):
    """TLS that receives through Python, so that the limits of a connection and Ctrl-C take effect.

    OpenSSL by itself would go on reading messages that it handles itself, such as session tickets.
    """

    @property
    def _io_refs(self) -> int:
        """How many file objects use the connection, also through another TLS layer, as with a proxy."""
        return int(self.socket._io_refs)  # type: ignore[attr-defined]

    @_io_refs.setter
    def _io_refs(self, count: int) -> None:
        self.socket._io_refs = count  # type: ignore[attr-defined]


class TlsContext(ssl.SSLContext):
    """A context that wraps connections in TlsTransport."""

    def wrap_socket(self, sock: socket.socket, *_: Any, server_hostname: Any = None, **__: Any) -> Any:
        return TlsTransport(sock, self, server_hostname)


def registry_address(name: str) -> Address:
    """The address of a registry, with TLS unless it is on this machine and does not use TLS.

    Args:
        name: Host, and port if it has one.

    Raises:
        PushError: it is not a valid host.
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
    """Whether a server uses TLS, with any certificate."""
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
    """A context that trusts the system's authorities, SSL_CERT_FILE, REQUESTS_CA_BUNDLE, and those for the registry.

    Raises:
        PushError: a named file does not exist, or contains no certificates.
    """
    context = TlsContext(ssl.PROTOCOL_TLS_CLIENT)
    if sys.version_info >= (3, 13):  # As in `ssl.create_default_context`.
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
    # An OpenSSL that was built for another location finds no certificates.
    if system and not (defaults.cafile or defaults.capath):
        yield system
    for folder in CERTIFICATES_OF_REGISTRIES:
        yield from sorted((folder / registry).glob("*.crt"))


def why_untrusted(error: BaseException) -> str:
    """Why a certificate was rejected, if that caused the error; otherwise ""."""
    found = (each.verify_message for each in causes(error) if isinstance(each, ssl.SSLCertVerificationError))
    return next(found, "").rstrip(".")


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error and all its causes; the libraries wrap errors in several ways."""
    seen: list[BaseException] = []
    waiting = [error]
    while waiting:
        each = waiting.pop(0)
        if isinstance(each, BaseException) and not any(each is other for other in seen):
            seen.append(each)
            yield each
            waiting += [getattr(each, "reason", None), *each.args, each.__cause__, each.__context__]


def why_unreachable(error: BaseException) -> str:
    """The system's reason for a failed connection, without upload addresses, which may be secret."""
    tunnels = (TUNNEL_REFUSED.match(str(each)) for each in causes(error) if isinstance(each, OSError))
    with contextlib.suppress(StopIteration):
        return f"the proxy answers {next(filter(None, tunnels))[1]}"
    reasons = [each.strerror for each in causes(error) if isinstance(each, OSError) and each.strerror]
    with contextlib.suppress(IndexError):
        return str(reasons[-1])
    if any(isinstance(each, TimeoutError) or "Timeout" in type(each).__name__ for each in causes(error)):
        return "no answer in time"
    return "the connection was cut"
