"""What the steps with a terminal, run and shell, have in common."""

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
    """Raises PystaticError if another process runs this step: its container would be removed as an abandoned one."""
    with locks.opened(config.work / f"{step}.lock") as lock:
        if not locks.try_lock(lock):
            raise PystaticError(problem, remedy)
        yield


def load(engine: Engine, artifact: Artifact) -> None:
    """Load an image after reading all of it, since engines do not compare layers with their digests."""
    read_checked(artifact.archive, artifact.written)
    engine.load(artifact)
