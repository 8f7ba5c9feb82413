from __future__ import annotations

import pytest

from pystatic_tasks.steps.context import StepContext


def test_a_step_without_an_environment_installs_nothing() -> None:
    context = StepContext(say=print)
    with pytest.raises(AssertionError, match=r"^this step has no environment of its own$"):
        context.install(["falcon"])
    assert (context.verbose, context.use_cache) == (False, True)
