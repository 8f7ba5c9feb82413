"""Where a system has its time zones, which an image has in the same place."""

from __future__ import annotations

from pathlib import PurePosixPath

TIMEZONES = PurePosixPath("/usr/share/zoneinfo")
