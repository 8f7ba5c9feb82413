"""Sends one request to a registry, or to where it redirects, with TLS or on this machine, and reads the answer.

Answers are limited in size and time. This module follows no redirects, keeps no cookies, decompresses nothing, and
shows texts of a registry only without secrets.
"""

from __future__ import annotations

import logging
import socket
import ssl
import urllib.request
from collections.abc import Callable, Mapping
from http.client import BadStatusLine, HTTPException, LineTooLong, RemoteDisconnected, UnknownProtocol
from typing import Any
from urllib.parse import unquote

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager, ProxyManager, Timeout
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, InvalidChunkLength, InvalidHeader
from urllib3.util import make_headers, parse_url

from pystatic_tasks.errors import PushError
from pystatic_tasks.in_env.web.bounded import FRAMING, Buffer, Limits, PlainHead, TooLargeError
from pystatic_tasks.oci.registry.addresses import Address
from pystatic_tasks.oci.registry.answers import Answer
from pystatic_tasks.oci.registry.bounded_socket import BoundedSocket, connect
from pystatic_tasks.oci.registry.retries import PassingError
from pystatic_tasks.oci.registry.tls import (
    CERTIFICATES_OF_REGISTRIES,
    causes,
    why_unreachable,
    why_untrusted,
)
from pystatic_tasks.oci.registry.tokens import CLIENT

CONNECT_SECONDS = 10
ANSWER_SECONDS = 120  # From the end of a request to the end of its answer.
SLOWEST_BYTES_PER_SECOND = 10_000  # The slowest rate of sending a body.
PIECE = 2**20  # Bytes of a body that are sent at a time.
# The specification has registries accept manifests of 4 MiB; the answers read here are smaller.
LARGEST_ANSWER_BYTES = 5 * 10**6
NO_HTTP = (BadStatusLine, LineTooLong, UnknownProtocol, InvalidChunkLength, InvalidHeader, ValueError)
WHEN_UNREACHABLE = (
    "Check that its name is right and that it is running, then push again: what it already has is not sent again."
)

# Its warnings about unreadable headers contain addresses, which may be secret.
logging.getLogger("urllib3").propagate = False


class Wire:
    """Connections to a registry, and to where it redirects."""

    def __init__(
        self,
        name: str,
        registry: Address,
        trust: Callable[[], ssl.SSLContext],
        count: Callable[[int], None],
        show: Callable[[str], str],
    ) -> None:
        """
        Args:
            name: The registry's name, as the user wrote it.
            registry: Its address.
            trust: Returns the TLS context; called when TLS is first needed.
            count: Called with the size of each body that is sent, in bytes.
            show: Removes secrets from a text of the registry, such as an address that it redirects to.
        """
        self._name = name
        self._registry = registry
        self._trust = trust
        self._count = count
        self._show = show
        self._pools: dict[tuple[str, str], PoolManager] = {}

    def ask(self, method: str, address: Address, headers: Mapping[str, str], body: bytes = b"") -> Answer:
        """Send a request, and read the answer.

        Raises:
            PassingError: there is no answer, or none in time.
            PushError: the address needs TLS but does not use it, its certificate is not trusted, or the answer is too
                large.
        """
        if address.scheme == "http" and not (address.is_this_machine and self._registry.is_this_machine):
            raise PushError(
                f"{self._name} leads to {self._show(address.place)} without TLS.",
                "Use a registry with TLS, or one on this machine.",
            )
        self._count(len(body))
        try:
            return self._exchange(method, address, headers, body)
        except (HTTPError, ValueError) as error:  # http.client raises the latter for an invalid number.
            problem = failure(self._name, address, error, self._show)
        # Raised outside the handler, where it would keep its cause alive, and with that the connection.
        raise problem

    def _exchange(self, method: str, address: Address, headers: Mapping[str, str], body: bytes) -> Answer:
        received = self._pool(address).urlopen(
            method,
            address.url,
            body=body or None,
            headers={"User-Agent": CLIENT, **headers},
            timeout=Timeout(connect=CONNECT_SECONDS, read=ANSWER_SECONDS),
            redirect=False,
            retries=False,
            preload_content=False,
            decode_content=False,
        )
        content = received.read(decode_content=False)
        return Answer(
            address=address,
            status=received.status,
            reason=received.reason or "",
            headers=received.headers,
            content=content,
        )

    def _pool(self, address: Address) -> PoolManager:
        proxy = proxy_to(address)
        key = (address.scheme, proxy)
        if key not in self._pools:
            context = self._trust() if address.scheme == "https" else None
            try:
                self._pools[key] = make_pool(proxy, context)
            except (HTTPError, ValueError):
                raise PushError(
                    f"The proxy that the environment names for {self._show(address.place)} cannot be used.",
                    "Correct the variable HTTPS_PROXY or ALL_PROXY: an address such as http://proxy.example:3128.",
                ) from None
        return self._pools[key]


class RoomyResponse(PlainHead):
    """An answer whose buffer is limited to the largest answer."""

    read_headers = FRAMING | {"docker-content-digest", "location", "oci-subject", "retry-after", "www-authenticate"}

    def __init__(self, sock: socket.socket, *arguments: Any, **options: Any) -> None:
        super().__init__(sock, *arguments, **options)
        self.fp = Buffer(self.fp.detach(), LARGEST_ANSWER_BYTES)


class NoProxyError(OSError):
    """The answer of a proxy is not HTTP."""


class PlainConnection(HTTPConnection):
    """A connection with limits on the time to send, and on the time and size of what it receives."""

    response_class = RoomyResponse

    def _new_conn(self) -> BoundedSocket:
        connection = connect(self._dns_host, self.port, CONNECT_SECONDS, ANSWER_SECONDS)
        self._bounded = BoundedSocket(connection, limits(CONNECT_SECONDS))
        return self._bounded

    def _tunnel(self) -> None:
        try:
            super()._tunnel()
        except (HTTPException, ValueError) as error:
            if isinstance(error, RemoteDisconnected):
                raise
            problem = NoProxyError()
        else:
            return
        raise problem

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        self._bounded.begin(limits(ANSWER_SECONDS + len(data) / SLOWEST_BYTES_PER_SECOND))
        # In pieces, since TLS keeps three copies in memory of what it sends.
        for start in range(0, len(data), PIECE):
            super().send(data[start : start + PIECE])
        self._bounded.begin(limits(ANSWER_SECONDS))


class SecureConnection(PlainConnection, HTTPSConnection):
    """The same kind of connection, with TLS."""


class PlainPool(HTTPConnectionPool):
    ConnectionCls = PlainConnection


class SecurePool(HTTPSConnectionPool):
    ConnectionCls = SecureConnection


def limits(seconds: float) -> Limits:
    return Limits(size_bytes=LARGEST_ANSWER_BYTES, seconds=seconds)


def make_pool(proxy: str, context: ssl.SSLContext | None) -> PoolManager:
    """A pool of connections, through a proxy if one is given."""
    pool = proxy_pool(proxy, context) if proxy else PoolManager(ssl_context=context)
    pool.pool_classes_by_scheme = {"http": PlainPool, "https": SecurePool}
    return pool


def proxy_pool(proxy: str, context: ssl.SSLContext | None) -> ProxyManager:
    address = parse_url(proxy)
    if not address.host:
        raise ValueError("no address")
    headers = make_headers(proxy_basic_auth=unquote(address.auth)) if address.auth else None
    return ProxyManager(proxy, ssl_context=context, proxy_ssl_context=context, proxy_headers=headers)


def proxy_to(address: Address) -> str:
    """The proxy that the environment names for an address; "" for none, as to this machine."""
    if address.is_this_machine or urllib.request.proxy_bypass(address.place):
        return ""
    proxies = urllib.request.getproxies()
    proxy = proxies.get(address.scheme) or proxies.get("all", "")
    return proxy if "://" in proxy or not proxy else f"http://{proxy}"


def failure(name: str, address: Address, error: Exception, show: Callable[[str], str]) -> PushError:
    """The error for a request without a readable answer.

    Args:
        name: The registry's name.
        address: The address of the request.
        error: The exception that it raised.
        show: Removes secrets from a text of the registry.
    """
    place = show(address.place)
    untrusted = why_untrusted(error)
    if untrusted:
        return PushError(
            f"The certificate of {place} is not trusted: {show(untrusted)}.",
            "Set SSL_CERT_FILE to the certificate of its authority, "
            f"or put the certificate into {CERTIFICATES_OF_REGISTRIES[0] / name / 'ca.crt'}.",
        )
    if any(isinstance(each, TooLargeError) for each in causes(error)):
        return PushError(
            f"{place} sends more than {LARGEST_ANSWER_BYTES // 10**6} MB.",
            "Check that it is a registry, and read its log.",
        )
    return PassingError(f"{place} cannot be reached: {why_no_answer(error)}.", WHEN_UNREACHABLE)


def why_no_answer(error: Exception) -> str:
    if any(isinstance(each, NoProxyError) for each in causes(error)):
        return "what the proxy answers is not HTTP"
    return "what it answers is not HTTP" if is_no_http(error) else why_unreachable(error)


def is_no_http(error: Exception) -> bool:
    """Whether there was an answer, but it could not be read."""
    found = [each for each in causes(error) if not isinstance(each, RemoteDisconnected)]
    # Too many headers raise a plain HTTPException.
    return any(isinstance(each, NO_HTTP) or type(each) is HTTPException for each in found)
