from __future__ import annotations

import logging
import subprocess
import sys

import pytest

from pystatic_tasks.bom.formats import as_cyclonedx, as_spdx
from pystatic_tasks.errors import MissingToolError
from pystatic_tasks.in_env.protocol import Component
from pystatic_tasks.steps.results import Built


def test_no_library_is_loaded_before_something_is_written() -> None:
    libraries = "{'cyclonedx', 'packageurl', 'spdx_tools'}"
    code = f"import sys; from pystatic_tasks import register; print({libraries} & {{*sys.modules}})"
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "set()\n"


def test_nothing_is_said_while_it_is_written(
    built: Built, components: list[Component], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        assert '"specVersion":"1.6"' in as_cyclonedx(built, components)
    assert caplog.records == []


def test_the_library_for_spdx_is_named_where_it_is_missing(
    built: Built, components: list[Component], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "pystatic_tasks.bom.spdx", raising=False)
    for name in [each for each in sys.modules if each.startswith("spdx_tools")] + ["spdx_tools"]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingToolError) as caught:
        as_spdx(built, components)
    assert str(caught.value) == (
        "--format spdx needs a library that is not installed beside Nox.\n"
        'Install it: pip install "pystatic-tasks[spdx]".'
    )
    assert caught.value.exit_code == 3
