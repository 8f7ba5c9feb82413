"""Finds values of the caller's variables in files for an image, in all the forms in which programs write them."""

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
from pystatic_tasks.steps.secrets.contents import METADATA, READ_BYTES, levels, narrow
from pystatic_tasks.system.files import open_regular

# How the reasons of this module begin.
OF_VARIABLE = "the value of your variable"
# Shorter values appear in files by chance.
SHORTEST_VALUE = 8
# By the number of bytes before a value, modulo 3: how many of its first Base64 characters depend on them too.
OF_OTHERS = {0: 0, 1: 2, 2: 3}
# Characters that YAML and SQL, CSV, INI and Compose escape by doubling.
DOUBLED = "'\"%$"


def reason_of_values(config: ImageConfig, path: Path) -> str:
    """Why a file must not get into an image because it contains a value of the caller's variables, or "".

    Args:
        config: The configuration, which names the variables.
        path: The file.
    """
    looked_for = [(name, forms_of(value)) for name, value in dict.fromkeys(secrets(config, path))]
    if not looked_for:
        return ""
    texts = {(each, text) for text in narrow(beginning_of(path)) for each in (text, *levels(text))}
    found = (name for name, forms in looked_for if any(holds(*each, form) for each in texts for form in forms))
    return next((f"{OF_VARIABLE} {name} is in it" for name in found), "")


def holds(text: bytes, written: bytes, form: bytes) -> bool:
    """Whether a text contains a form of a value; a short one counts only if it was written with escapes."""
    return form in text and (len(form) >= SHORTEST_VALUE or text.count(form) > written.count(form))


def secrets(config: ImageConfig, path: Path) -> Iterator[tuple[str, str]]:
    """The values to search a file for, and the passwords in them, each with the name of its variable.

    Without surrounding whitespace: programs often strip the line end of a value that they read from a file.
    """
    for name, value in ((name, value.strip()) for name, value in caller_variables(config)):
        found = [*([] if is_word(value) or is_metadata(path) else [value]), *passwords_in(value)]
        yield from ((name, each) for each in found if len(each) >= SHORTEST_VALUE)


def is_word(value: str) -> bool:
    """Whether a value is an ordinary word, such as "production" or "localhost", which many files contain."""
    return value.isalpha() and value in (value.lower(), value.upper(), value.capitalize())


def is_metadata(path: Path) -> bool:
    """Whether a file contains the readme and the addresses of a project, with host names and the like."""
    return path.name.casefold() in METADATA and says_what_was_built(path)


def says_what_was_built(path: Path) -> bool:
    """Whether a file is metadata that a build backend or an installer writes beside a project's packages."""
    return path.parent.suffix in (".dist-info", ".egg-info")


def beginning_of(path: Path) -> bytes:
    try:
        with open_regular(path) as stream:
            return stream.read(READ_BYTES)
    except OSError:
        return b""


@cache
def forms_of(value: str) -> frozenset[bytes]:
    """The forms of a value in a file after ASCII is unescaped: in UTF-8, UTF-16 or Base64."""
    content = os.fsencode(value)
    wide = [value.encode(encoding, "surrogatepass") for encoding in ("utf-16-le", "utf-16-be")]
    # Other characters stay escaped, and so does a space in form data.
    texts = {value, *(json.dumps(value, ensure_ascii=each)[1:-1] for each in (True, False)), repr(value)[1:-1]}
    texts |= {value.replace(sign, sign * 2) for sign in DOUBLED}
    quoted = {quote(content), quote_plus(content)}
    quoted |= {re.sub("%..", lambda match: match[0].lower(), each) for each in quoted}
    plain = {os.fsencode(text) for text in texts | quoted}
    unescaped = {each for form in plain for each in levels(form)}
    return frozenset({*plain, *unescaped, *wide, *in_base64(content), *in_base64(wide[0])})


def in_base64(content: bytes) -> Iterator[bytes]:
    """The constant part of the Base64 of any content with these bytes, for each position modulo 3."""
    for before, of_others in OF_OTHERS.items():
        whole = base64.b64encode(bytes(before) + content)
        found = whole[of_others : (before + len(content)) * 8 // 6]
        yield from (found, found.translate(bytes.maketrans(b"+/", b"-_")))
