from __future__ import annotations

import pytest

from pystatic_tasks.steps.context import StepContext


def test_a_step_without_an_environment_installs_nothing() -> None:
    host = StepContext(say=print)
    with pytest.raises(AssertionError, match=r"^this step has no environment of its own$"):
        host.install(["falcon"])
    assert (host.verbose, host.use_cache) == (False, True)
