from __future__ import annotations

import pytest

from pystatic_tasks.steps.freeze.phases import phase_of


@pytest.mark.parametrize(
    ("line", "phase"),
    [
        ("118 INFO: Initializing module dependency graph...\n", "following imports"),
        (
            "950 INFO: Processing standard module hook 'hook-django.core.py' from '/x/hooks'\n",
            "following imports: django.core",
        ),
        ("5120 INFO: Looking for dynamic libraries\n", "looking for libraries"),
        ("6000 INFO: Building PYZ because PYZ-00.toc is non existent\n", "compiling"),
        ("6400 INFO: Building PKG (CArchive) shop.pkg\n", "packing"),
        ("6500 INFO: checking EXE\n", ""),
    ],
)
def test_the_log_tells_the_phase(line: str, phase: str) -> None:
    assert phase_of(line) == phase
