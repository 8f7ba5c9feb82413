"""What the steps that have the terminal share: run and shell."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from pystatic_tasks.config.model import ImageConfig
from pystatic_tasks.engines import Artifact, Engine
from pystatic_tasks.errors import PystaticError
from pystatic_tasks.oci.reading.images import read_checked
from pystatic_tasks.system import locks


@contextlib.contextmanager
def only_here(config: ImageConfig, step: str, problem: str, remedy: str) -> Iterator[None]:
    """Raises PystaticError if another process is in that step; what that runs would be taken for left behind."""
    with locks.opened(config.work / f"{step}.lock") as lock:
        if not locks.try_lock(lock):
            raise PystaticError(problem, remedy)
        yield


def load(engine: Engine, artifact: Artifact) -> None:
    """Give an engine the image, once all of it was read: an engine does not compare layers with their digests."""
    read_checked(artifact.archive, artifact.written)
    engine.load(artifact)
