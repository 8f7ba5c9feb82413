"""What the program itself wrote into the project or among the packages while it was imported and observed.

That is no data of it, also the next time, when it lies there from the beginning: so it is remembered, for as long as
nobody else writes it.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from pystatic_tasks.config.model import ImageConfig
from pystatic_tasks.config.variables import with_names, with_values
from pystatic_tasks.in_env.stamps import stamp
from pystatic_tasks.system.files import write_whole

FILE = "written.json"
Stamp = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Written:
    """Paths of files, without links on the way.

    Attributes:
        made: Those that were not there before.
        changed: Those that were.
    """

    made: frozenset[str] = frozenset()
    changed: frozenset[str] = frozenset()

    def holds(self, path: str | Path) -> bool:
        return bool(self.made or self.changed) and os.path.realpath(path) in self.made | self.changed

    def is_made(self, path: str | Path) -> bool:
        return bool(self.made) and os.path.realpath(path) in self.made


def remember(config: ImageConfig, written: Written) -> None:
    """Write it down for `remembered`; what has a value of the caller's in its path is known by the variable's name."""
    kinds = {"made": written.made, "changed": written.changed}
    content = {
        kind: {name: stamp(Path(path)) for path, name in with_names(config, sorted(paths))}
        for kind, paths in kinds.items()
    }
    if any(content.values()) or (config.work / FILE).exists():
        write_whole(config.work / FILE, json.dumps(content))


def remembered(config: ImageConfig) -> Written:
    """What was written in earlier builds, and by nobody since."""
    try:
        content = json.loads((config.work / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return Written()
    return Written(made=as_it_was(config, content["made"]), changed=as_it_was(config, content["changed"]))


def as_it_was(config: ImageConfig, stamps: dict[str, Stamp]) -> frozenset[str]:
    return frozenset(path for path, name in with_values(config, stamps) if stamp(Path(path)) == tuple(stamps[name]))
