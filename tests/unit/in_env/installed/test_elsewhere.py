from __future__ import annotations

import os
import sysconfig
from pathlib import Path

from pystatic_tasks.in_env.installed.elsewhere import from_elsewhere, is_new, moment


def test_what_is_of_python_and_of_the_kernel_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "mounts").symlink_to("/proc/self/mounts")
    (tmp_path / "folder").symlink_to("/sys/kernel")
    (tmp_path / "link").symlink_to("nowhere")
    packages, library = sysconfig.get_path("purelib"), sysconfig.get_path("stdlib")
    of_python = [packages, f"{packages}/pytest", library, f"{library}/a.py"]
    left_out = [*of_python, "/proc/self/status", "/dev", f"{tmp_path}/mounts", f"{tmp_path}/folder/a"]
    assert from_elsewhere([*left_out, f"{tmp_path}/link", "/nowhere", "/process"]) == {
        f"{tmp_path}/link",
        "/nowhere",
        "/process",
    }


def test_a_file_among_the_packages_may_be_of_none_of_them() -> None:
    """The records of the installers tell."""
    paths = {f"{sysconfig.get_path('purelib')}/{name}" for name in ("pytest/__init__.py", "nowhere.py")}
    assert from_elsewhere(paths) == paths


def test_the_source_is_told_for_bytecode(tmp_path: Path) -> None:
    found = from_elsewhere([os.fspath(tmp_path / "__pycache__/a.cpython-313.pyc"), f"{tmp_path}/b.pyc"])
    assert found == {f"{tmp_path}/a.py", f"{tmp_path}/b.py"}


def test_what_is_written_at_once_is_new(tmp_path: Path) -> None:
    """Files are stamped by a clock that is behind."""
    for number in range(200):
        began = moment()
        path = tmp_path / str(number)
        path.touch()
        assert is_new(str(path), began)
