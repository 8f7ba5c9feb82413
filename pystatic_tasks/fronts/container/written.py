"""What the program wrote on the caller's machine in earlier builds, for the project's copy in a container."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pystatic_tasks.config.model import ImageConfig
from pystatic_tasks.fronts.rebuild.elsewhere import find_repository, needed
from pystatic_tasks.steps.secrets.written import Written, remembered


@dataclass(frozen=True, kw_only=True)
class WrittenHere:
    """Files that the program wrote, by paths relative to the project's folder, with slashes.

    Attributes:
        made: Files that did not exist before.
        changed: Files that existed before.
    """

    made: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()

    def at(self, root: Path) -> Written:
        """The same files where the project's folder is `root`; other folders keep their relative positions."""

        def places(names: Iterable[str]) -> frozenset[str]:
            return frozenset(os.path.normpath(root / name) for name in names)

        return Written(made=places(self.made), changed=places(self.changed))


def written_here(config: ImageConfig) -> WrittenHere:
    """What is remembered of earlier builds on this machine, as far as a container would get it."""
    root, earlier = config.root.resolve(), remembered(config)
    if earlier == Written():
        return WrittenHere()
    found = [path for path in needed(config, find_repository(config.root), Written()) if earlier.holds(path)]
    made = {path for path in found if earlier.is_made(path)}

    def from_root(paths: Iterable[Path]) -> tuple[str, ...]:
        return tuple(sorted({Path(os.path.relpath(path.resolve(), root)).as_posix() for path in paths}))

    return WrittenHere(made=from_root(made), changed=from_root(path for path in found if path not in made))
