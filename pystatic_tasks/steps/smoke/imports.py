"""Runs the image once more, to measure the parts of its start and each of its imports."""

from __future__ import annotations

import time
from collections.abc import Sequence

from pystatic_tasks.config.model import ImageConfig
from pystatic_tasks.engines import Artifact, Container, Engine
from pystatic_tasks.steps.import_times import VERSION, parse_imports
from pystatic_tasks.steps.policy import make_policy
from pystatic_tasks.steps.results import Built, Imported, Imports
from pystatic_tasks.steps.smoke.probes import first_path, wait_until_ready
from pystatic_tasks.steps.start_phases import parse_phases

# Python's own variable, which the launcher and a tree's script turn into "-X importtime"; and a single worker,
# since the lines of several that import at the same time could not be told apart.
VARIABLES = {"PYTHONPROFILEIMPORTTIME": "1", "WEB_CONCURRENCY": "1"}
# An engine may have the last lines of a log slightly later than the answer that follows them.
LOG_SECONDS = 0.1


def measure_imports(config: ImageConfig, engine: Engine, artifact: Artifact, built: Built) -> Imports | None:
    """Run the image of a server until its first answer; None if there is none, or no imports in the log."""
    policy = make_policy(config, user=config.image.user, step="smoke", env=VARIABLES)
    begun = time.monotonic_ns()
    container = engine.start(artifact, policy, [])
    try:
        if not wait_until_ready(container, container.address(), first_path(config), config.smoke.timeout):
            return None
        answered = time.monotonic_ns()
        imports = logged_imports(container)
        phases = parse_phases(container.output(), begun, answered)
    finally:
        container.remove()
    if not imports:
        return None
    return Imports(
        version=VERSION,
        name=config.name,
        digest=built.digest,
        engine=engine.name,
        first_answer_ms=round((answered - begun) / 1e6),
        imports=imports,
        phases=phases,
    )


def logged_imports(container: Container) -> tuple[Imported, ...]:
    """All logged imports, after the log has stopped growing."""
    before: Sequence[Imported] = ()
    while len(found := tuple(parse_imports(container.output()))) > len(before):
        before = found
        time.sleep(LOG_SECONDS)
    return found
