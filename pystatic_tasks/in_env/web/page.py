"""Finds what a browser loads by itself when it shows a page."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

from ..protocol import HttpRequest
from .client import LOOPBACK, Answer, Request

HTML = ("text/html", "application/xhtml+xml")
# Links of other kinds are followed by people, or not at all.
LOADED_LINKS = {"stylesheet", "icon", "apple-touch-icon", "modulepreload", "preload", "manifest"}
# By tag: the attribute with the address.
LOADING = {"script": "src", "img": "src", "link": "href"}
STYLE_IMPORT = re.compile(r"""@import\s+(?:url\(\s*)?["']?([^"')\s;]+)""")
# Longer pages are not read; in characters.
LONGEST = 1_000_000
# Beginnings of headers, in lower case, that a browser sends for a page only.
OF_THE_PAGE = ("accept", "content-", "if-", "range")


def loaded_with(request: Request, answer: Answer) -> tuple[str, ...]:
    """The paths, with their queries, of what a browser loads from the same server with a page.

    Args:
        request: The request for the page.
        answer: The answer to it.

    Returns:
        The paths in their order on the page, without duplicates; empty if it is no page.
    """
    if answer.type not in HTML or answer.status != 200 or answer.endless or len(answer.body) > LONGEST:
        return ()
    page = Page()
    # Python's parser fails on some declarations that are no HTML; browsers ignore them.
    with contextlib.suppress(AssertionError):
        page.feed(answer.body)
    host = host_of(request)
    found = (of_server(host, f"http://{host}{request.path}", page.base, each) for each in page.addresses)
    return tuple(dict.fromkeys(filter(None, found)))


def part_of(page: Request, path: str) -> HttpRequest:
    """The request for what a browser loads with a page."""
    headers = {name: value for name, value in page.headers.items() if not name.lower().startswith(OF_THE_PAGE)}
    return HttpRequest(path=path, method="GET", headers=headers, body=None)


def host_of(request: Request) -> str:
    """The host that a page takes for its server's, without a port."""
    named = next((value for name, value in request.headers.items() if name.lower() == "host"), LOOPBACK)
    return named.rpartition("@")[2].partition(":")[0].lower() or LOOPBACK


def of_server(host: str, page: str, base: str, address: str) -> str:
    """The path and query of an address on a page with that base; "" if it is of another host, or no address.

    Programs that write whole addresses may take the port and the scheme from elsewhere.
    """
    try:
        parts = urlsplit(urljoin(urljoin(page, base), address.strip()))
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or parts.hostname != host or not parts.path.isascii():
        return ""
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


class Page(HTMLParser):
    """Reads a page.

    Attributes:
        base: What addresses are relative to, itself relative to the page's address.
        addresses: What a browser loads.
    """

    def __init__(self) -> None:
        super().__init__()
        self.base = ""
        self.addresses: list[str] = []
        self._reads = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "base":
            self.base = self.base or given.get("href", "")
        self._reads = "style" if tag == "style" else ""
        if tag == "script" and given.get("type") == "importmap":
            self._reads = "importmap"
        if tag in LOADING and (tag != "link" or is_loaded(given)):
            self.addresses += filter(None, [given.get(LOADING[tag], "")])

    def handle_endtag(self, tag: str) -> None:
        self._reads = ""

    def handle_data(self, data: str) -> None:
        if self._reads == "style":
            self.addresses += STYLE_IMPORT.findall(data)
        elif self._reads == "importmap":
            self.addresses += modules_of(data)


def is_loaded(attributes: Mapping[str, str]) -> bool:
    return not LOADED_LINKS.isdisjoint(attributes.get("rel", "").lower().split())


def modules_of(importmap: str) -> Iterator[str]:
    """The addresses of modules in an import map; those that end with a slash are of folders."""
    with contextlib.suppress(ValueError, AttributeError, RecursionError):
        for address in json.loads(importmap).get("imports", {}).values():
            if isinstance(address, str) and not address.endswith("/"):
                yield address
