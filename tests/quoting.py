"""How programs write a text into a log, for tests of what is hidden there."""

from __future__ import annotations

import html
import json
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
QUOTINGS = strategies.sampled_from((*QUOTES, html.escape, urllib.parse.quote, urllib.parse.quote_plus))
# Those that leave what a URL begins with and what stands around its password as it is.
QUOTINGS_OF_URLS = strategies.sampled_from(QUOTES)
# Half of all passwords are of what makes trouble.
TEXTS = strategies.text(strategies.characters(exclude_categories=["Cs"]), max_size=12) | strategies.text(
    "'\"\\\\/ @:#?%$&{}=,;.a0é\n\t", max_size=12
)
