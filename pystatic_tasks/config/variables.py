"""Environment variables whose values are the caller's, so that they stand in no file."""

from __future__ import annotations

import html
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import quote, quote_plus

from pystatic_tasks.config.model import ImageConfig
from pystatic_tasks.errors import ConfigError
from pystatic_tasks.system.files import write_whole
from pystatic_tasks.system.redaction import masked

OF_CALLER = re.compile(r"\$([A-Za-z_]\w*)")
HIDDEN = "***"
# A shorter value would hide parts of words that have nothing to do with it.
SHORTEST_SECRET = 4
# The same of one of several lines, of which some are brackets and common words.
SHORTEST_LINE = 8
SPECIAL_IN_BASH = re.compile(r"""[ \t'"\\|&;()<>!{}*\[\]?^$`,]|^[#~]|(?<=[:=])~""")
IN_BASH = dict(zip("\a\b\x1b\f\n\r\t\v", "abEfnrtv", strict=True))


def resolved(variables: Mapping[str, str], key: str) -> dict[str, str]:
    """The variables, with the caller's value where it is "$NAME".

    Raises:
        ConfigError: the caller has no such variable.
    """
    found = {}
    for name, value in variables.items():
        match = OF_CALLER.fullmatch(value)
        if match and match[1] not in os.environ:
            raise ConfigError(
                f'tool.pystatic-tasks.{key}.{name} = "{value}", and there is no variable {match[1]} here.',
                f"Set it where you call this: export {match[1]}=…",
            )
        found[name] = os.environ[match[1]] if match else value
    return found


def caller_variables(variables: Mapping[str, str]) -> Iterator[str]:
    """The values that are the caller's."""
    for value in variables.values():
        match = OF_CALLER.fullmatch(value)
        if match:
            yield os.environ.get(match[1], "")


def caller_values(config: ImageConfig) -> list[str]:
    """The caller's values that the program gets when it is observed and run."""
    return [*caller_variables(config.smoke.env), *caller_variables(config.observe.env)]


def hidden(text: str, secrets: Iterable[str]) -> str:
    """The text without the secrets in any of their spellings, the longest first, and without credentials in URLs."""
    return hiding(secrets)(text)


def hiding(secrets: Iterable[str]) -> Callable[[str], str]:
    """What does that, for many texts."""
    found = sorted({each for secret in secrets for each in spellings(secret)}, key=len, reverse=True)

    def hide(text: str) -> str:
        for each in found:
            text = text.replace(each, HIDDEN)
        return masked(text)

    return hide


def hide_in_files(config: ImageConfig, files: Iterable[Path]) -> None:
    """Write files that programs wrote, as far as they are there, without the caller's values and credentials."""
    hide = hiding(caller_values(config))
    for path in filter(Path.is_file, files):
        write_whole(path, hide(path.read_text(encoding="utf-8", errors="replace")))


def spellings(secret: str) -> Iterator[str]:
    """How a value may stand in a log: as it is, line by line, quoted by Python, JSON or a shell, and in a URL."""
    if len(secret.strip()) < SHORTEST_SECRET:
        return
    lines = [line.strip() for line in secret.splitlines()]
    shortest = SHORTEST_LINE if len(lines) > 1 else SHORTEST_SECRET
    for part in (secret, *(line for line in lines if len(line) >= shortest)):
        # What is no UTF-8 is read as other characters from a log.
        yield from (part, os.fsencode(part).decode(errors="replace"))
        for once in quoted(part):
            yield once
            yield from quoted(once)


def quoted(text: str) -> Iterator[str]:
    """The text between the quotes of Python, JSON and shells, in HTML, and as a part of a URL."""
    yield from quoted_by_python(text)
    yield from quoted_by_json(text)
    yield from quoted_by_shells(text)
    yield from (html.escape(text), html.escape(text, quote=False))
    # As MarkupSafe does.
    yield html.escape(text, quote=False).replace('"', "&#34;").replace("'", "&#39;")
    yield from quoted_in_urls(os.fsencode(text))


def quoted_by_python(text: str) -> Iterator[str]:
    for written in (repr(text)[1:-1], ascii(text)[1:-1], repr(os.fsencode(text))[2:-1]):
        # Python escapes an apostrophe only where there is a quotation mark too.
        yield from (written, written.replace("'", "\\'") if '"' not in text else written)


def quoted_by_json(text: str) -> Iterator[str]:
    """As Python writes it, PHP with its slashes, and Go and Flask for what stands in HTML."""
    for ascii_only in (True, False):
        written = json.dumps(text, ensure_ascii=ascii_only)[1:-1]
        yield from (written, written.replace("/", "\\/"))
        yield re.sub("[<>&]", lambda match: f"\\u{ord(match[0]):04x}", written)
        yield re.sub("[<>&']", lambda match: f"\\u{ord(match[0]):04x}", written)


def quoted_by_shells(text: str) -> Iterator[str]:
    """Between apostrophes, and as `printf %q` of bash writes it."""
    yield from (text.replace("'", each) for each in ("'\"'\"'", "'\\''"))
    yield SPECIAL_IN_BASH.sub(r"\\\g<0>", text)
    yield re.sub(r"[\\'\a\b\x1b\f\n\r\t\v]", lambda match: f"\\{IN_BASH.get(match[0], match[0])}", text)


def quoted_in_urls(content: bytes) -> Iterator[str]:
    """The third is as `encodeURIComponent` of JavaScript writes it."""
    for written in (quote(content), quote(content, safe=""), quote(content, safe="!'()*"), quote_plus(content)):
        yield from (written, re.sub("%[0-9A-F]{2}", lambda match: match[0].lower(), written))
