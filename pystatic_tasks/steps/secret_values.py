"""Values of the caller's variables in what would go into an image, in whatever way programs write them there."""

from __future__ import annotations

import base64
import html
import json
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import quote, quote_plus

from pystatic_tasks.config.model import ImageConfig
from pystatic_tasks.config.variables import caller_variables, passwords_in
from pystatic_tasks.system.files import open_regular

# A shorter one is in files by chance.
SHORTEST_VALUE = 8
# How much of a file is looked at.
READ_BYTES = 64 * 2**20
# How many characters of Base64 at the beginning are of other bytes too, by how many of these there are.
OF_OTHERS = {0: 0, 1: 2, 2: 3}


def reason_of_values(config: ImageConfig, path: Path) -> str:
    """Why a file must not get into an image by the values of the caller's variables that it holds, or "".

    Args:
        config: Says which variables the program is run with.
        path: The file.
    """
    looked_for = list(dict.fromkeys(secrets(config)))
    if not looked_for:
        return ""
    content = read(path)
    return next((reason(name) for name, value in looked_for if any(each in content for each in written(value))), "")


def reason(name: str) -> str:
    return f"the value of your variable {name} is in it"


def secrets(config: ImageConfig) -> Iterator[tuple[str, str]]:
    """The values that are looked for, and the passwords in them, each with the name of its variable."""
    for name, value in caller_variables(config):
        found = [*([] if is_word(value) else [value]), *passwords_in(value)]
        yield from ((name, each) for each in found if len(each) >= SHORTEST_VALUE)


def is_word(value: str) -> bool:
    """Whether a value is one word as people write them, which is in many files: "production", "localhost"."""
    return value.isalpha() and value in (value.lower(), value.upper(), value.capitalize())


def read(path: Path) -> bytes:
    try:
        with open_regular(path) as stream:
            return stream.read(READ_BYTES)
    except OSError:
        return b""


@cache
def written(value: str) -> frozenset[bytes]:
    """All that a value may be written as: as it is, as others quote it, in UTF-16 and in Base64."""
    texts = {value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], repr(value)[1:-1]}
    texts |= {html.escape(value), html.escape(value, quote=False)}
    content = os.fsencode(value)
    quoted = {quote(content), quote(content, safe=""), quote_plus(content)}
    plain = {os.fsencode(text) for text in texts | quoted}
    wide = {b"".join(bytes([byte, 0]) for byte in text) for text in plain if text.isascii()}
    return frozenset({*plain, *wide, *in_base64(content)})


def in_base64(content: bytes) -> Iterator[bytes]:
    """What is always the same of the Base64 of something that holds these bytes, wherever they begin in it."""
    for before, of_others in OF_OTHERS.items():
        whole = base64.b64encode(bytes(before) + content)
        found = whole[of_others : (before + len(content)) * 8 // 6]
        yield from (found, found.translate(bytes.maketrans(b"+/", b"-_")))
