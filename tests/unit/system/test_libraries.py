from __future__ import annotations

from pathlib import Path

import pytest

from pystatic_tasks.errors import ConfigError
from pystatic_tasks.system.libraries import check_libraries


def test_libraries_of_the_machine_may_be_named(tmp_path: Path) -> None:
    (tmp_path / "libx.so").touch()
    (tmp_path / "libx.so.1").symlink_to("libx.so")
    check_libraries([])
    check_libraries([str(tmp_path / "libx.so"), str(tmp_path / "libx.so.1")])


@pytest.mark.parametrize("name", ["{}/nowhere.so", "{}", "libx.so", "{}/dead.so"])
def test_a_library_that_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    (tmp_path / "libx.so").touch()
    (tmp_path / "dead.so").symlink_to("nowhere.so")
    monkeypatch.chdir(tmp_path)
    library = name.format(tmp_path)
    with pytest.raises(ConfigError) as caught:
        check_libraries([str(tmp_path / "libx.so"), library])
    assert str(caught.value) == (
        f'tool.pystatic-tasks.staticx.libraries names "{library}", which is not a file.\n'
        "Set the absolute path of a shared library on this machine."
    )
