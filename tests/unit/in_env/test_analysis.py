from __future__ import annotations

import pytest

pytest.importorskip("PyInstaller", reason="PyInstaller is in build environments only")

from pystatic_tasks.in_env.analysis import wanted


def test_what_an_installer_noted_for_itself_is_left_out() -> None:
    kept = ("shop-1.0.dist-info/METADATA", "/x/METADATA", "DATA")
    assert wanted([("shop-1.0.dist-info/RECORD", "/x/RECORD", "DATA"), kept]) == [kept]


def test_bytecode_beside_its_source_is_left_out_and_any_other_is_data() -> None:
    kept = ("plugins/old.pyc", "/x/plugins/old.pyc", "DATA")
    beside = "plugins/__pycache__/new.cpython-312.pyc"
    assert wanted([(beside, f"/x/{beside}", "DATA"), kept]) == [kept]
