"""Where a system and our images have their time zones."""

from __future__ import annotations

from pathlib import PurePosixPath

TIMEZONES = PurePosixPath("/usr/share/zoneinfo")
