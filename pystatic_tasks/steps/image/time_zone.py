"""Makes the time zone UTC as a file, which many programs read by its name, the same on every machine."""

from __future__ import annotations

import struct

# RFC 9636, section 3: a header with the counts of the following parts, local time types, abbreviations, a footer.
HEADER = struct.Struct(">4sc15x6l")
LOCAL_TIME_TYPE = struct.Struct(">lBB")
ABBREVIATIONS = b"UTC\0"
FOOTER = b"\nUTC0\n"


def utc() -> bytes:
    """A file in the format TZif, version 2: one block for readers of version 1, and the same for those of version 2."""
    # Counts of UT/local and standard/wall indicators, leap seconds, transitions, local time types, characters.
    numbers = (0, 0, 0, 0, 1, len(ABBREVIATIONS))
    # Offset, whether it is daylight saving time, index of the abbreviation.
    local_time_type = LOCAL_TIME_TYPE.pack(0, False, 0)
    block = HEADER.pack(b"TZif", b"2", *numbers) + local_time_type + ABBREVIATIONS
    return block + block + FOOTER
