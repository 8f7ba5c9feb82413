"""What runs within PyInstaller starts from a file of its own."""

from __future__ import annotations

from pystatic_tasks.in_env.freeze.in_pyinstaller import SPEC


def test_spec_is_there_and_leads_to_what_loads_the_package() -> None:
    assert '"{SPECPATH}/../boot.py"' in SPEC.read_text(encoding="utf-8")
    assert (SPEC.parents[1] / "boot.py").is_file()
