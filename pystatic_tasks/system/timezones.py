"""Where this machine has its time zones, which an image has in the same place."""

from __future__ import annotations

from pathlib import Path

TIMEZONES = Path("/usr/share/zoneinfo")
