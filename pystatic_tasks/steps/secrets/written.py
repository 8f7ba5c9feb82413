"""What the program itself wrote into the project or among the packages while it was imported and observed.

That is no data of it, also the next time, when it lies there from the beginning: so it is remembered, for as long as
nobody else writes it.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pystatic_tasks.config.model import ImageConfig
from pystatic_tasks.config.variables import with_names, with_values
from pystatic_tasks.in_env.stamps import stamp
from pystatic_tasks.system.files import read_json, write_whole

FILE = "written.json"
Stamp = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Written:
    """Paths of files, without links on the way.

    Attributes:
        made: Those that were not there before.
        changed: Those that were.
        hashed: Hashes of the paths of others that were made, each with what the file was known by then.
    """

    made: frozenset[str] = frozenset()
    changed: frozenset[str] = frozenset()
    hashed: Mapping[str, Stamp] = field(default_factory=dict)

    def holds(self, path: str | Path) -> bool:
        return self.is_made(path) or (bool(self.changed) and os.path.realpath(path) in self.changed)

    def is_made(self, path: str | Path) -> bool:
        if not self.made and not self.hashed:
            return False
        real = os.path.realpath(path)
        return real in self.made or (bool(self.hashed) and self.hashed.get(hash_path(real)) == stamp(Path(real)))


def hash_path(path: str) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()


def remember(config: ImageConfig, written: Written) -> None:
    """Write it down for `remembered`.

    What has a value of the caller's in its path is known by the variable's name, or where that cannot be put back by
    a hash, and then counts as made.
    """
    kinds = {"made": written.made, "changed": written.changed}
    named = {kind: dict(with_names(config, sorted(paths))) for kind, paths in kinds.items()}
    others = {path for kind, paths in kinds.items() for path in paths - named[kind].keys()}
    hashed = {**written.hashed, **{hash_path(path): stamp(Path(path)) for path in others}}
    stamps = {kind: {name: stamp(Path(path)) for path, name in names.items()} for kind, names in named.items()}
    content = {**stamps, "hashed": hashed}
    if any(content.values()) or (config.work / FILE).exists():
        write_whole(config.work / FILE, json.dumps(content))


def remembered(config: ImageConfig) -> Written:
    """What was written in earlier builds, and by nobody since."""
    try:
        content = read_json(config.work / FILE)
        hashed = {str(name): (size, time) for name, (size, time) in content["hashed"].items()}
        made, changed = (as_it_was(config, content[kind]) for kind in ("made", "changed"))
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return Written()
    return Written(made=made, changed=changed, hashed=hashed)


def as_it_was(config: ImageConfig, stamps: Mapping[str, Stamp]) -> frozenset[str]:
    return frozenset(path for path, name in with_values(config, stamps) if stamp(Path(path)) == tuple(stamps[name]))
