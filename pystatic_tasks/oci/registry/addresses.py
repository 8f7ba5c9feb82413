"""Parses network addresses once, into unambiguous parts, by which they are compared."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urljoin

PORTS = {"https": 443, "http": 80}
LONGEST_NAME = 253  # Characters, as in https://www.rfc-editor.org/rfc/rfc1123#section-2.1.
LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
# The part of RFC 3986 that registries need: no user, no escapes in the host, and only ASCII.
ADDRESS = re.compile(
    rf"(?P<scheme>https?)://(?:(?P<name>{LABEL}(?:\.{LABEL})*)\.?|\[(?P<ipv6>[0-9a-f:.]+)\])(?::(?P<port>[0-9]{{1,5}}))?"
    r"(?P<path>/[!-~]*|\?[!-~]*|#[!-~]*)?",
    re.ASCII | re.IGNORECASE,
)
# Host names that some resolvers take for an IPv4 address in one of its many forms.
NUMERIC = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)")


@dataclass(frozen=True, kw_only=True)
class Address:
    """An HTTP address.

    Attributes:
        scheme: "https" or "http".
        host: A name in lower case, without a final dot, or an IP address in its shortest form, without brackets.
        port: TCP port.
        path: Path and query.
    """

    scheme: str
    host: str
    port: int
    path: str

    @property
    def place(self) -> str:
        """Host, and port if it is not the usual one."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def origin(self) -> str:
        """Scheme, host and port, which are equal for two addresses of one server."""
        return f"{self.scheme}://{self.place}"

    @property
    def url(self) -> str:
        return f"{self.origin}{self.path}"

    @property
    def is_this_machine(self) -> bool:
        """Whether it is on this machine; as with Docker, only such addresses may be used without TLS."""
        return self.host == "localhost" or (is_ip(self.host) and ip_address(self.host).is_loopback)


def is_ip(host: str) -> bool:
    return ":" in host or NUMERIC.fullmatch(host) is not None


def parse_address(text: str) -> Address:
    """Parse an absolute address, without its fragment.

    Raises:
        ValueError: it is not valid, or another program may read it differently.
    """
    match = ADDRESS.fullmatch(text)
    if not match or len(match["name"] or "") > LONGEST_NAME:
        raise ValueError("no address")
    scheme = match["scheme"].lower()
    port = int(match["port"] or PORTS[scheme])
    if not 0 < port < 2**16:
        raise ValueError("no port")
    path = (match["path"] or "").partition("#")[0]
    return Address(
        scheme=scheme,
        host=parse_host(match["name"], match["ipv6"]),
        port=port,
        path=path if path.startswith("/") else f"/{path}",
    )


def parse_host(name: str, ipv6: str | None) -> str:
    if ipv6 is not None:
        address = IPv6Address(ipv6)
        return str(address.ipv4_mapped or address)
    host = name.lower()
    return str(IPv4Address(host)) if is_ip(host) else host


def resolve(base: Address, text: str) -> Address:
    """The address that a text, which may be relative, means in an answer from `base`.

    Raises:
        ValueError: it is not valid.
    """
    if not text:
        raise ValueError("no address")
    return parse_address(urljoin(base.url, text))
