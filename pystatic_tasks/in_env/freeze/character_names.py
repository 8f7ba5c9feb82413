"""Blanks the names of characters in a Python, its largest tables: `unicodedata.name`, `unicodedata.lookup`, "\\N{…}".

Nothing in a file says where they are. So this module rebuilds the tables of the running Python, as CPython's
Tools/unicode/makeunicodedata.py does, and accepts a place in the file only if every number there is the same.
Without the tables, every character has no name. From Python 3.13 on, they have another format.
"""

from __future__ import annotations

import re
import struct
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

# Their name in pystatic.lock; it is not a module.
CHARACTER_NAMES = "unicodedata.names"
OF_ANOTHER_KIND = (3, 13)
# Words; the last letter of each has the highest bit set. The last word of a name ends with a zero with that bit.
LEXICON = re.compile(rb"(?:[A-Z0-9'-]*[\x80\xa7\xad\xb0-\xb9\xc1-\xda]){1000,}")
MARK = 0x80
# Names that Python computes from the number of a character.
COMPUTED = ("CJK UNIFIED IDEOGRAPH-", "HANGUL SYLLABLE ")
# The number of values of a byte; frequent words take one byte, others two.
ONE_BYTE = 256
# The table of the places of phrases consists of blocks of this many characters, or of a multiple.
BLOCK = 16
HASH_FACTOR, HASH_MASK, HASH_POLYNOMIAL = 47, 0xFFFF, 0x1002D
# Values that a place in the hash table may have if no known name is there: nothing, an alias, or a name of several
# characters.
UNKNOWN = {0, *range(0xF0000, 0xF1000)}
# Begin and end of a part of a file, in bytes.
Range = tuple[int, int]


@dataclass(frozen=True)
class Lexicon:
    """The words of all names.

    Attributes:
        numbers: The number of each word, from 1; a word at the end of a name has a zero appended.
        ranges: Where the words are in the file, and where the table of their places is.
    """

    numbers: Mapping[str, int]
    ranges: tuple[Range, Range]


def has_tables() -> bool:
    """Whether the running Python is one whose tables are known."""
    return sys.version_info < OF_ANOTHER_KIND


def without_names(content: bytes) -> bytes:
    """A file of the running Python with blank tables of names; unchanged if one of the tables is not found."""
    return blanked(content, find_tables(content))


def blanked(content: bytes, ranges: Iterable[Range]) -> bytes:
    """A file with zeros in these parts."""
    changed = bytearray(content)
    for begin, end in ranges:
        changed[begin:end] = bytes(end - begin)
    return bytes(changed)


def find_tables(content: bytes) -> list[Range]:
    """Where the tables are: words, phrases, places of phrases, hashes; [] if one of them is not found."""
    names = dict(stored_names())
    lexicon = read_lexicon(content)
    if lexicon is None:
        return []
    phrases = list(phrases_of(names.values(), lexicon.numbers))
    begins = dict(zip(names, accumulate(map(len, phrases), initial=1), strict=False))
    found = [
        list(lexicon.ranges),
        find_once(b"\0" + b"".join(phrases), content),
        find_blocks(begins, content),
        find_hashes(names, content),
    ]
    return [each for ranges in found for each in ranges] if all(found) else []


def stored_names() -> Iterator[tuple[int, str]]:
    """The characters whose names are in the tables, by their numbers."""
    for number in range(sys.maxunicode + 1):
        name = unicodedata.name(chr(number), "")
        if name and not name.startswith(COMPUTED):
            yield number, name


def packed(numbers: Sequence[int]) -> bytes:
    """Numbers in the format of a table."""
    return struct.pack(f"<{len(numbers)}I", *numbers)


def find_once(part: bytes, content: bytes) -> list[Range]:
    """Where a part is; [] if it is missing, or there more than once."""
    begin = content.find(part)
    return [(begin, begin + len(part))] if begin >= 0 and content.find(part, begin + 1) < 0 else []


def read_lexicon(content: bytes) -> Lexicon | None:
    """The words of all names, which are ordered by frequency; None if they are not found."""
    found = LEXICON.search(content)
    if not found:
        return None
    words = found[0]
    first = word_at(words, 0)
    second = len(first)
    # There is no word 0.
    table = find_once(packed([0, 0, second, second + len(word_at(words, second))]), content)
    if not table:
        return None
    begin, numbers = table[0][0], dict[str, int]()
    # The table has no end mark. What follows is outside the lexicon, or a place of a word that is already known.
    for number, (place,) in enumerate(struct.iter_unpack("<I", content[begin : begin + 4 * len(words)])):
        if place >= len(words):
            break
        if number:
            numbers.setdefault(word_at(words, place), number)
    return Lexicon(numbers, (found.span(), (begin, begin + 4 * (max(numbers.values()) + 1))))


def word_at(lexicon: bytes, place: int) -> str:
    """The word that begins at that place, without the mark."""
    end = place
    while not lexicon[end] & MARK:
        end += 1
    return lexicon[place:end].decode("ascii") + chr(lexicon[end] & ~MARK)


def phrases_of(names: Iterable[str], words: Mapping[str, int]) -> Iterator[bytes]:
    """Each name as the numbers of its words; frequent words take one byte, the others two."""
    short = ONE_BYTE - -(-len(words) // ONE_BYTE)
    for name in names:
        numbers = (words.get(word, 0) for word in f"{name}\0".split(" "))
        yield b"".join(
            bytes([number] if number < short else [(number >> 8) + short & 0xFF, number & 0xFF]) for number in numbers
        )


def find_blocks(begins: Mapping[int, int], content: bytes) -> list[Range]:
    """Where the blocks with the begins of phrases are; [] if one of them is not found."""
    blocks = dict.fromkeys(number // BLOCK for number in begins)
    parts = [packed([begins.get(BLOCK * block + each, 0) for each in range(BLOCK)]) for block in blocks]
    first = find_once(parts[0], content)
    if not first:
        return []
    # The table contains them, empty blocks, and blocks of other names.
    begin = first[0][0]
    window = content[begin : begin + 2 * sum(map(len, parts))]
    found = [find_once(part, window) for part in parts]
    return [(begin + each[0][0], begin + each[0][1]) for each in found] if all(found) else []


def find_hashes(names: Mapping[int, str], content: bytes) -> list[Range]:
    """Where the table of characters by hashes of their names is; [] if none has the expected content."""
    table = hash_table(names)
    anchor = next((each for each in range(len(table)) if all(table[each : each + 3])), 0)
    for match in re.finditer(re.escape(packed(table[anchor : anchor + 3])), content):
        begin = match.start() - 4 * anchor
        there = content[max(begin, 0) : begin + 4 * len(table)]
        if len(there) == 4 * len(table):
            pairs = zip(table, struct.unpack(f"<{len(table)}I", there), strict=True)
            if all(ours == theirs or (not ours and theirs in UNKNOWN) for ours, theirs in pairs):
                return [(begin, begin + 4 * len(table))]
    return []


def hash_table(names: Mapping[int, str]) -> list[int]:
    """Characters at the places given by the hashes of their names, and zeros at all other places."""
    table = [0] * (HASH_MASK + 1)
    for number, name in names.items():
        code = hash_of(name)
        place = ~code & HASH_MASK
        step = (code ^ (code >> 3)) & HASH_MASK or HASH_MASK
        while table[place]:
            place = (place + step) & HASH_MASK
            step <<= 1
            if step > HASH_MASK:
                step ^= HASH_POLYNOMIAL
        table[place] = number
    return table


def hash_of(name: str) -> int:
    code = 0
    for byte in name.encode("ascii"):
        code = code * HASH_FACTOR + byte
        if high := code & 0xFF000000:
            code = (code ^ (high >> 24)) & 0xFFFFFF
    return code
