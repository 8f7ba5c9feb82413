"""Values of the caller's variables in what would go into an image, in whatever way programs write them there."""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import quote, quote_plus

from pystatic_tasks.config.model import ImageConfig
from pystatic_tasks.config.variables import caller_variables, passwords_in
from pystatic_tasks.steps.secrets.contents import METADATA, READ_BYTES, levels
from pystatic_tasks.system.files import open_regular

# How a reason of here begins.
OF_VARIABLE = "the value of your variable"
# A shorter one is in files by chance.
SHORTEST_VALUE = 8
# How many characters of Base64 at the beginning are of other bytes too, by how many of these there are.
OF_OTHERS = {0: 0, 1: 2, 2: 3}
# What YAML and SQL, CSV, INI and Compose write twice.
DOUBLED = "'\"%$"


def reason_of_values(config: ImageConfig, path: Path) -> str:
    """Why a file must not get into an image by the values of the caller's variables that it holds, or "".

    Args:
        config: Says which variables the program is run with.
        path: The file.
    """
    looked_for = [(name, forms_of(value)) for name, value in dict.fromkeys(secrets(config, path))]
    if not looked_for:
        return ""
    content = beginning_of(path)
    texts = {each for text in {content, content.replace(b"\0", b"")} for each in (text, *levels(text))}
    found = (name for name, forms in looked_for if any(form in text for text in texts for form in forms))
    return next((f"{OF_VARIABLE} {name} is in it" for name in found), "")


def secrets(config: ImageConfig, path: Path) -> Iterator[tuple[str, str]]:
    """The values that are looked for in a file, and the passwords in them, each with the name of its variable.

    Without the spaces around them: programs use what was read from a file without its line end.
    """
    for name, value in ((name, value.strip()) for name, value in caller_variables(config)):
        found = [*([] if is_word(value) or is_metadata(path) else [value]), *passwords_in(value)]
        yield from ((name, each) for each in found if len(each) >= SHORTEST_VALUE)


def is_word(value: str) -> bool:
    """Whether a value is one word as people write them, which is in many files: "production", "localhost"."""
    return value.isalpha() and value in (value.lower(), value.upper(), value.capitalize())


def is_metadata(path: Path) -> bool:
    """Whether a file has the readme and the addresses of a project, in which names of hosts and the like stand."""
    return path.name.casefold() in METADATA and says_what_was_built(path)


def says_what_was_built(path: Path) -> bool:
    """Whether a file is one of those that a build backend or an installer writes beside the packages of a project."""
    return path.parent.suffix in (".dist-info", ".egg-info")


def beginning_of(path: Path) -> bytes:
    try:
        with open_regular(path) as stream:
            return stream.read(READ_BYTES)
    except OSError:
        return b""


@cache
def forms_of(value: str) -> frozenset[bytes]:
    """What a value is in a file that holds it, once nothing of ASCII is escaped: in UTF-8 or UTF-16, or in Base64."""
    content = os.fsencode(value)
    wide = [value.encode(encoding, "surrogatepass") for encoding in ("utf-16-le", "utf-16-be")]
    # Other characters stay escaped, and so does a space in a form that is sent.
    texts = {value, *(json.dumps(value, ensure_ascii=each)[1:-1] for each in (True, False)), repr(value)[1:-1]}
    texts |= {value.replace(sign, sign * 2) for sign in DOUBLED}
    quoted = {quote(content), quote_plus(content)}
    quoted |= {re.sub("%..", lambda match: match[0].lower(), each) for each in quoted}
    plain = {os.fsencode(text) for text in texts | quoted}
    unescaped = {each for form in plain for each in levels(form) if len(each) >= SHORTEST_VALUE}
    return frozenset({*plain, *unescaped, *wide, *in_base64(content), *in_base64(wide[0])})


def in_base64(content: bytes) -> Iterator[bytes]:
    """What is always the same of the Base64 of something that holds these bytes, wherever they begin in it."""
    for before, of_others in OF_OTHERS.items():
        whole = base64.b64encode(bytes(before) + content)
        found = whole[of_others : (before + len(content)) * 8 // 6]
        yield from (found, found.translate(bytes.maketrans(b"+/", b"-_")))
