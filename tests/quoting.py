"""How programs write a text into a log, for tests of what is hidden there."""

from __future__ import annotations

import html
import json
import re
import shlex
import urllib.parse
from collections.abc import Callable
from xml.sax.saxutils import quoteattr

from hypothesis import strategies

Quote = Callable[[str], str]


def utf16(text: str, style: str) -> str:
    """Escaped as JSON does, by digits of one style."""
    content = text.encode("utf-16-be")
    units = (int.from_bytes(content[at : at + 2], "big") for at in range(0, len(content), 2))
    return "".join(f"\\u{unit:04{style}}" for unit in units)


QUOTES: tuple[Quote, ...] = (
    str,
    repr,
    json.dumps,
    shlex.quote,
    lambda text: repr([text]),
    lambda text: repr(f"{text}\"'"),
    lambda text: repr(text.encode()),
    lambda text: json.dumps({"key": text}, ensure_ascii=False),
)
# As those who escape more than they must.
MORE_QUOTES: tuple[Quote, ...] = (
    ascii,
    html.escape,
    lambda text: html.escape(text, quote=False),
    lambda text: html.escape(text, quote=False).replace('"', "&#34;").replace("'", "&#39;"),
    lambda text: json.dumps(text).replace("/", "\\/"),
    lambda text: json.dumps(text).translate({ord(each): f"\\u{ord(each):04x}" for each in "<>&'"}),
    urllib.parse.quote,
    urllib.parse.quote_plus,
    lambda text: urllib.parse.quote(text, safe="!'()*~"),
    lambda text: re.sub("%..", lambda match: match[0].lower(), urllib.parse.quote(text, safe="")),
    # As requests, aiohttp, PHP, tornado, XML, Jackson, Go and dash do.
    lambda text: urllib.parse.quote(text, safe="!#$%&'()*+,/:;=?@[]~"),
    lambda text: urllib.parse.quote(text, safe="-._~!$'()*,;:@/"),
    lambda text: html.escape(text).replace("&#x27;", "&#039;"),
    lambda text: html.escape(text).replace("&#x27;", "&#39;"),
    quoteattr,
    lambda text: re.sub(r"[^ -~]", lambda match: utf16(match[0], "X"), json.dumps(text, ensure_ascii=False)),
    lambda text: re.sub("[<>&\u2028\u2029]", lambda match: utf16(match[0], "x"), json.dumps(text, ensure_ascii=False)),
    lambda text: "'\"'\"'".join(f"'{part}'" for part in text.split("'")),
)
QUOTINGS = strategies.sampled_from((*QUOTES, *MORE_QUOTES))
# Those that leave what a URL begins with and what stands around its password as it is.
QUOTINGS_OF_URLS = strategies.sampled_from(QUOTES)
# Half of all passwords are of what makes trouble.
TEXTS = strategies.text(strategies.characters(exclude_categories=["Cs"]), max_size=12) | strategies.text(
    "'\"\\\\/ @:#?%$&{}=,;.a0é\n\t", max_size=12
)
