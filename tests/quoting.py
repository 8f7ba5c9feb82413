"""How programs write a text into a log, for tests of what is hidden there."""

from __future__ import annotations

import html
import json
import re
import shlex
import urllib.parse
from collections.abc import Callable

from hypothesis import strategies

Quote = Callable[[str], str]
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
)
QUOTINGS = strategies.sampled_from((*QUOTES, *MORE_QUOTES))
# Those that leave what a URL begins with and what stands around its password as it is.
QUOTINGS_OF_URLS = strategies.sampled_from(QUOTES)
# Half of all passwords are of what makes trouble.
TEXTS = strategies.text(strategies.characters(exclude_categories=["Cs"]), max_size=12) | strategies.text(
    "'\"\\\\/ @:#?%$&{}=,;.a0é\n\t", max_size=12
)
