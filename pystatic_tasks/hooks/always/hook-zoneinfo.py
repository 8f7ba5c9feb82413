# Where the system has no time zones, zoneinfo takes those of this distribution, by name.
from importlib.util import find_spec

hiddenimports = ["tzdata"] if find_spec("tzdata") else []
