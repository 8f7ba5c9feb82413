from __future__ import annotations

import importlib.metadata
from pathlib import Path

import pytest
from support import install_distribution

from pystatic_tasks.in_env.freeze.metadata_headers import (
    distributions_by_file,
    frozen_distributions,
    headers,
    write_headers,
)

METADATA = b"""\
Metadata-Version: 2.4
Name: depx
Version: 1.0
Keywords: one,
 two
Requires-Dist: othery>=1

# depx

Requires-Dist: nothing
"""
CUT = b"Metadata-Version: 2.4\nName: depx\nVersion: 1.0\nKeywords: one,\n two\nRequires-Dist: othery>=1\n"
OLD = b"""\
Name: depx
Description: # depx
        |
        |Text.
License: MIT
 and more
Version: 1.0
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where distributions are installed that are of this test only."""
    folder = tmp_path / "site-packages"
    monkeypatch.syspath_prepend(folder)
    install_distribution(folder, "depx", "depx/__init__.py", "depx/_c.so", "depx-1.0.dist-info/METADATA")
    install_distribution(folder, "othery", "othery.py", "othery-1.0.dist-info/METADATA")
    (folder / "depx-1.0.dist-info" / "METADATA").write_bytes(METADATA)
    return folder


def distribution(name: str) -> importlib.metadata.Distribution:
    return importlib.metadata.distribution(name)


# Which distributions.


def names(*sources: object) -> list[str]:
    found = frozen_distributions(map(str, sources), distributions_by_file())
    return [each.metadata["Name"] for each in found]


def test_distributions_are_those_that_modules_were_made_of(site: Path) -> None:
    assert names(site / "othery.py", site / "depx/__init__.py", "/usr/lib/python3/os.py", "-") == ["depx", "othery"]
    assert names(site / "depx/_c.so") == ["depx"]
    assert names("/usr/lib/python3/os.py", "-") == []


def test_namespace_packages_have_no_source(site: Path) -> None:
    assert frozen_distributions([None, ""], distributions_by_file()) == []  # type: ignore[list-item]


def test_that_of_the_freezer_is_none(site: Path) -> None:
    install_distribution(site, "PyInstaller", "PyInstaller/fake.py")
    assert names(site / "PyInstaller/fake.py") == []


# What of METADATA.


def test_the_description_is_left_out() -> None:
    assert b"".join(headers(METADATA)) == CUT
    assert b"".join(headers(METADATA.replace(b"\n", b"\r\n"))) == CUT.replace(b"\n", b"\r\n")


def test_metadata_without_a_description_stays_as_it_is() -> None:
    assert b"".join(headers(CUT)) == CUT
    assert b"".join(headers(CUT.rstrip())) == CUT.rstrip()
    assert b"".join(headers(b"")) == b""


def test_texts_of_many_lines_are_left_out_of_the_headers_too() -> None:
    assert b"".join(headers(OLD)) == b"Name: depx\nVersion: 1.0\n"
    assert b"".join(headers(b"License: MIT\nName: depx\n")) == b"License: MIT\nName: depx\n"


# Where it goes.


def test_it_is_written_for_every_distribution(site: Path, tmp_path: Path) -> None:
    found = write_headers([distribution("depx"), distribution("othery")], set(), tmp_path / "made")
    assert found == [
        (f"{name}-1.0.dist-info/METADATA", f"{tmp_path}/made/{name}-1.0.dist-info/METADATA", "DATA")
        for name in ("depx", "othery")
    ]
    assert (tmp_path / "made/depx-1.0.dist-info/METADATA").read_bytes() == CUT


def test_what_is_there_in_whole_is_not_cut(site: Path, tmp_path: Path) -> None:
    there = {"depx-1.0.dist-info/METADATA"}
    assert write_headers([distribution("depx")], there, tmp_path / "made") == []
    assert not (tmp_path / "made").exists()


def test_python_reads_versions_from_it(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = tmp_path / "made"
    write_headers([distribution("depx")], set(), made)
    (read,) = importlib.metadata.distributions(path=[str(made)])
    assert (read.metadata["Name"], read.version, read.requires) == ("depx", "1.0", ["othery>=1"])
