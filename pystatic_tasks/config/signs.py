"""Signs (all characters but ASCII letters and digits), and the forms in which programs write them.

Python, JSON, shells, HTML and URLs each have their own escapes, which can be nested.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from html.entities import name2codepoint

# The escape characters may themselves be escaped.
PERCENT = "%(?:25){0,4}"
SEMICOLON = f"(?:;|{PERCENT}3[Bb])"
NUMBER_SIGN = f"(?:#|{PERCENT}23)"
BEHIND_BACKSLASH = r"(?:(?<=\\)|(?<=%5[Cc])|(?<=255[Cc]))"
AMPERSAND = f"(?:&|{PERCENT}26|{BEHIND_BACKSLASH}(?:x|u00)26)"
PERCENTS = re.compile(PERCENT)
OCTET = re.compile(f"{PERCENT}([0-9A-Fa-f]{{2}})")
AMPERSANDS = re.compile(f"({AMPERSAND})" + f"(amp{SEMICOLON})?" * 4)
NUMBERED = f"{NUMBER_SIGN}(?:(?P<decimal>[0-9]{{1,13}})|[xX](?P<hexadecimal>[0-9A-Fa-f]{{1,12}}))"
ENTITY = re.compile(f"{AMPERSAND}(?:amp{SEMICOLON}){{0,4}}(?:{NUMBERED}|(?P<name>[A-Za-z0-9]{{1,8}})){SEMICOLON}")
ENTITIES = {**name2codepoint, "apos": ord("'")}
ESCAPED = re.compile(BEHIND_BACKSLASH)
TWO_DIGITS = re.compile("x([0-9A-Fa-f]{2})")
OCTAL = re.compile("[0-7]{1,5}")
UNIT = re.compile(r"[uU]\{?([0-9A-Fa-f]{2,11})")
LETTERS = dict(zip("abfnrtveE", map(ord, "\a\b\f\n\r\t\v\x1b\x1b"), strict=True))
# Placeholders for characters that an encoding does not have, and for bytes that are no character.
UNREADABLE = "\ufffd?"


def numbers(text: str) -> frozenset[int]:
    """The numbers by which a text's signs may be written: code points of the characters, their bytes and surrogates."""
    # HTML forms write a space as "+".
    characters = {*text, *("+" if " " in text else "")}
    for each in filter(lambda each: not each.isascii(), text):
        content = os.fsencode(each)
        # UTF-8 read as another encoding, as HTTP does, and the placeholders for what an encoding does not have.
        characters |= {*content.decode("latin-1"), *content.decode("cp1252", "ignore"), *UNREADABLE}
    return frozenset(number for each in characters for number in utf16(ord(each)))


def utf16(number: int) -> Iterator[int]:
    """A character's code point, and the surrogates that JSON and JavaScript write if it needs more than 16 bits."""
    yield number
    if number >= 2**16:
        content = chr(number).encode("utf-16-be")
        yield from (int.from_bytes(content[at : at + 2], "big") for at in (0, 2))


def readings(text: str, at: int) -> list[tuple[int, int]]:
    """The readings of the sign that starts at a place of a text.

    Returns:
        For each reading, where it ends and its number; empty for a letter or digit that is nothing else.
    """
    sign = text[at]
    if sign == "%":
        return [*percents(text, at), *octets(text, at), *ampersands(text, at), *entities(text, at)]
    if sign == "&":
        return [*ampersands(text, at), *entities(text, at)]
    if not (sign.isascii() and sign.isalnum()):
        return [(at + 1, ord(sign))]
    if ESCAPED.match(text, at):
        return [*escaped(text, at), *ampersands(text, at), *entities(text, at)]
    return []


def percents(text: str, at: int) -> Iterator[tuple[int, int]]:
    match = PERCENTS.match(text, at)
    if match:
        yield from ((end, ord("%")) for end in range(at + 1, match.end() + 1, 2))


def octets(text: str, at: int) -> Iterator[tuple[int, int]]:
    """Percent-encoded bytes, as in URLs."""
    match = OCTET.match(text, at)
    if match:
        yield match.end(), int(match[1], 16)


def ampersands(text: str, at: int) -> Iterator[tuple[int, int]]:
    match = AMPERSANDS.match(text, at)
    if match:
        ends = map(match.end, range(1, AMPERSANDS.groups + 1))
        yield from ((end, ord("&")) for end in ends if end >= 0)


def entities(text: str, at: int) -> Iterator[tuple[int, int]]:
    """Entities of HTML and XML."""
    match = ENTITY.match(text, at)
    if match and match["name"]:
        yield match.end(), ENTITIES.get(match["name"], -1)
    elif match:
        yield match.end(), int(match["decimal"] or match["hexadecimal"], 10 if match["decimal"] else 16)


def escaped(text: str, at: int) -> Iterator[tuple[int, int]]:
    """The rest of a backslash escape; the backslash is a sign of its own."""
    if text[at] in LETTERS:
        yield at + 1, LETTERS[text[at]]
    digits = TWO_DIGITS.match(text, at)
    if digits:
        yield digits.end(), int(digits[1], 16)
    octal = OCTAL.match(text, at)
    if octal:
        yield from ((end, int(text[at:end], 8)) for end in range(at + 1, octal.end() + 1))
    unit = UNIT.match(text, at)
    if unit:
        for end in range(unit.start(1) + 2, unit.end() + 1):
            number = int(text[unit.start(1) : end], 16)
            yield end, number
            if text.startswith("}", end):
                yield end + 1, number
