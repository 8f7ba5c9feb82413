"""Remembers what the program itself wrote into the project or its packages while it was imported and observed.

Such files are not data of the program, even in the next build, when they exist from the beginning. They are
remembered until something else changes them.
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
from pystatic_tasks.in_env.stamps import Stamp, stamp
from pystatic_tasks.system.files import read_json, write_whole

FILE = "written.json"


@dataclass(frozen=True, kw_only=True)
class Written:
    """Resolved paths of files that the program wrote.

    Attributes:
        made: Files that did not exist before.
        changed: Files that existed before.
        hashed: Hashes of the paths of further created files, each with the file's stamp at that time.
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
    """Save it for `remembered`.

    Paths in the project are saved relative to its folder, which may be moved.
    A path with a caller's value is saved with the variable's name in place of the value. If that cannot be reversed,
    only its hash is saved, and the file counts as created.
    """
    kinds = {"made": written.made, "changed": written.changed}
    named = {kind: dict(with_names(config, sorted(paths))) for kind, paths in kinds.items()}
    others = {path for kind, paths in kinds.items() for path in paths - named[kind].keys()}
    hashed = {**written.hashed, **{hash_path(path): stamp(Path(path)) for path in others}}
    root = f"{config.root.resolve()}/"
    stamps = {
        kind: {name.removeprefix(root): stamp(Path(path)) for path, name in names.items()}
        for kind, names in named.items()
    }
    content = {**stamps, "hashed": hashed}
    if any(content.values()) or memory(config).exists():
        write_whole(memory(config), json.dumps(content))


def memory(config: ImageConfig) -> Path:
    """The file in which it is remembered, for all platforms of the image."""
    return config.built / config.name / FILE


def remembered(config: ImageConfig) -> Written:
    """What the program wrote in earlier builds and nothing has changed since."""
    try:
        content = read_json(memory(config))
        hashed = {str(name): (size, time, mode) for name, (size, time, mode) in content["hashed"].items()}
        made, changed = (as_it_was(config, content[kind]) for kind in ("made", "changed"))
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return Written()
    return Written(made=made, changed=changed, hashed=hashed)


def as_it_was(config: ImageConfig, stamps: Mapping[str, Stamp]) -> frozenset[str]:
    root = config.root.resolve()
    paths = {name: str(root / path) for path, name in with_values(config, stamps)}
    return frozenset(path for name, path in paths.items() if stamp(Path(path)) == tuple(stamps[name]))
