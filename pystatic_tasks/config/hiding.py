"""Secrets hidden in a text, however programs quote them there.

For each there is one regular expression. Letters and digits of ASCII stand in it as they are. What stands between these
may be written in any way in which Python, JSON, shells, HTML and URLs write it, in each other too, and is looked at as
a set: in no order, as many as there are or more.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from html.entities import codepoint2name

from pystatic_tasks.system.redaction import masked

HIDDEN = "***"
# A shorter value would hide parts of words that have nothing to do with it.
SHORTEST_SECRET = 4
# The same of one of several lines, of which some are brackets and common words.
SHORTEST_LINE = 8
# A longer one is known as it is, and line by line.
LONGEST_QUOTED = 4096
# A character becomes as many, where its bytes are escaped thrice.
MOST_FOR_ONE = 40
RUN = re.compile(r"([^A-Za-z0-9]+)")
BACKSLASH = "\\"
# Shells write an apostrophe as several of them.
QUOTES = f"{BACKSLASH}'\""
# What escapes others may be escaped itself.
PERCENT = "%(?:25){0,4}"
ESCAPED = r"(?:(?<=\\)|(?<=%5[Cc])|(?<=255[Cc]))"
SEMICOLON = f"(?:;|{PERCENT}3[Bb])"
AMPERSAND = f"(?:&|{PERCENT}26|{ESCAPED}(?:x|u00)26)(?:amp{SEMICOLON}){{0,4}}"
NUMBER_SIGN = f"(?:#|{PERCENT}23)"
ENTITIES = {**codepoint2name, ord("'"): "apos"}
LETTERS = {**dict(zip("\a\b\f\n\r\t\v\0", "abfnrtv0", strict=True)), "\x1b": "[eE]"}
# What stands where something is of no character, or of none of an encoding.
UNREADABLE = "\ufffd?"


def hidden(text: str, secrets: Iterable[str]) -> str:
    """The text without the secrets, the longest first, and without credentials in URLs."""
    return hiding(secrets)(text)


def hiding(secrets: Iterable[str]) -> Callable[[str], str]:
    """What does that, for many texts."""
    parts = {part for secret in secrets for part in parts_of(secret)}
    patterns = [re.compile(pattern(part)) for part in sorted(parts, key=len, reverse=True)]

    def hide(text: str) -> str:
        for each in patterns:
            text = each.sub(HIDDEN, text)
        return masked(text)

    return hide


def parts_of(secret: str) -> Iterator[str]:
    """What of a secret is hidden by itself: all of it, and each of its lines."""
    if len(secret.strip()) < SHORTEST_SECRET:
        return
    lines = [line.strip() for line in secret.splitlines()]
    shortest = SHORTEST_LINE if len(lines) > 1 else SHORTEST_SECRET
    yield from (secret, *(line for line in lines if len(line) >= shortest))


def effort(secrets: Iterable[str]) -> int:
    """How many steps it may take at most to look for secrets at one place of a text, and to begin with."""
    parts = {part for secret in secrets for part in parts_of(secret)}
    return sum(len(part) + MOST_FOR_ONE * sum(map(len, RUN.findall(part))) for part in parts)


def pattern(secret: str) -> str:
    """The regular expression of all that a secret may be written as, without the quotes around it."""
    inner = secret.strip(QUOTES)
    if len(inner) < SHORTEST_SECRET or len(secret) > LONGEST_QUOTED:
        return re.escape(secret)
    parts = RUN.split(inner)
    for number in range(1, len(parts), 2):
        is_within = parts[number - 1] and parts[number + 1]
        has_quotes = not set(QUOTES).isdisjoint(parts[number])
        parts[number] = run(parts[number], QUOTES if is_within or has_quotes else BACKSLASH)
    return "".join(parts)


def run(text: str, quotes: str) -> str:
    """The regular expression of what stands between letters and digits, and of quotes among it."""
    # A form of HTML writes a space as "+".
    characters, octets = {*text, *quotes, *("+" if " " in text else "")}, set[int]()
    for each in filter(lambda each: not each.isascii(), text):
        content = os.fsencode(each)
        octets.update(content)
        # UTF-8 that is taken for another encoding, as HTTP has it, and what is in none.
        characters |= {*content.decode("latin-1"), *content.decode("cp1252", "ignore"), *UNREADABLE}
    ways = "|".join((*literally(characters), *escaped(characters, octets), *as_entities(characters)))
    return f"(?:{ways}){{{len(text)},{len(text) * MOST_FOR_ONE}}}"


def literally(characters: set[str]) -> Iterator[str]:
    yield f"[{''.join(map(re.escape, sorted(characters - {'%', '&'})))}]"
    yield from ([PERCENT] if "%" in characters else [])
    yield from ([AMPERSAND] if "&" in characters else [])


def escaped(characters: set[str], octets: set[int]) -> Iterator[str]:
    """By backslashes, and in URLs; not what escapes others itself, since that is known already."""
    numbers = {*map(ord, characters)} - {ord("%"), ord("&")}
    units = {unit for each in numbers for unit in utf16(each)}
    octets = {*octets, *(each for each in numbers if each < 2**7)}
    short = sorted({*octets, *(each for each in numbers if each < 2**8)})
    yield f"{PERCENT}(?:{'|'.join(map(hexadecimal, sorted(octets)))})"
    ways = [f"x(?:{'|'.join(map(hexadecimal, short))})", f"0{{0,2}}(?:{'|'.join(f'{each:o}' for each in short)})"]
    ways.append(rf"[uU]\{{?0{{0,6}}(?:{'|'.join(map(hexadecimal, sorted(units)))})\}}?")
    ways += [LETTERS[each] for each in sorted(characters) if each in LETTERS]
    yield f"{ESCAPED}(?:{'|'.join(ways)})"


def as_entities(characters: set[str]) -> Iterator[str]:
    """Of HTML and XML."""
    numbers = sorted(map(ord, characters))
    decimals = "|".join(map(str, numbers))
    names = [ENTITIES[each] for each in numbers if each in ENTITIES and each != ord("&")]
    numbered = f"{NUMBER_SIGN}(?:0{{0,6}}(?:{decimals})|[xX]0{{0,6}}(?:{'|'.join(map(hexadecimal, numbers))}))"
    yield f"{AMPERSAND}(?:{'|'.join((numbered, *names))}){SEMICOLON}"


def utf16(number: int) -> Iterator[int]:
    """The number of a character, and those by which JSON and JavaScript write it where it has more than 16 bits."""
    yield number
    if number >= 2**16:
        content = chr(number).encode("utf-16-be")
        yield from (int.from_bytes(content[at : at + 2], "big") for at in (0, 2))


def hexadecimal(number: int) -> str:
    """The regular expression of a number of two digits or more, in capitals or small letters."""
    return "".join(f"[{each}{each.lower()}]" if each.isalpha() else each for each in f"{number:02X}")
