from __future__ import annotations

import pytest

pytest.importorskip("PyInstaller", reason="PyInstaller is in build environments only")

from pystatic_tasks.in_env.analysis import impersonal


def test_what_an_installer_noted_for_itself_is_left_out() -> None:
    kept = ("shop-1.0.dist-info/METADATA", "/x/METADATA", "DATA")
    assert impersonal([("shop-1.0.dist-info/RECORD", "/x/RECORD", "DATA"), kept]) == [kept]
