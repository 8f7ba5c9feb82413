from __future__ import annotations

import re
from pathlib import Path

import pytest
from support import REPOSITORY

from pystatic_tasks.in_image.launcher import build
from pystatic_tasks.packers import launcher as packer

FOLDER = REPOSITORY / "pystatic_tasks" / "in_image" / "launcher"
MACHINES = {"x86_64": 62, "aarch64": 183}


@pytest.mark.parametrize("machine", build.MACHINES)
@pytest.mark.parametrize("name", ["launcher-{}", "filters-{}.so"])
def test_there_is_one_for_every_machine(machine: str, name: str) -> None:
    head = (FOLDER / name.format(machine)).read_bytes()[:20]
    assert head[:4] == b"\x7fELF"
    assert int.from_bytes(head[18:20], "little") == MACHINES[machine]


def test_the_bill_of_materials_names_the_versions_that_are_built_in() -> None:
    assert (packer.ZSTD, packer.MUSL) == (build.ZSTD_VERSION, build.MUSL_VERSION)


def test_the_session_installs_what_is_asked_for() -> None:
    noxfile = (REPOSITORY / "noxfile.py").read_text(encoding="utf-8")
    assert set(re.findall(r"ziglang==([\d.]+)", noxfile)) == {build.ZIGLANG}
    assert set(re.findall(r"zstandard(?:==|-)([\d.]+\d)", noxfile)) == {build.ZSTANDARD}


def test_the_licences_of_what_is_inside_lie_beside_it() -> None:
    found = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("LICENSE.*")}
    assert set(found) == {"LICENSE.zstd", "LICENSE.musl", "LICENSE.zig"}
    assert "BSD License" in found["LICENSE.zstd"]
    assert "MIT license" in found["LICENSE.musl"]
    assert "The MIT License" in found["LICENSE.zig"]


def test_any_other_source_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "zstandard.tar.gz"
    other.write_bytes(b"something else")
    with pytest.raises(SystemExit, match=rf"^{re.escape(str(other))} is not the zstandard 0\.25\.0 that is wanted"):
        build.unpack(other, tmp_path / "zstd")
