"""Two builds of one commit, by other people in other places."""

from __future__ import annotations

import shutil

from support import Project, copy_repository, elsewhere


def test_one_executable_is_the_same_whoever_builds_it_and_where(sample: Project) -> None:
    with elsewhere() as other:
        clone = other.adopt(copy_repository(other.folder / "another folder of a longer name" / "clone"))
        shutil.copyfile(sample.root / "pyproject.toml", clone.root / "pyproject.toml")
        other.nox(clone, "-s", "image", "--", "--engine", "sandbox")
        assert clone.result("sample-app").read_bytes() == sample.result("sample-app").read_bytes()
        assert clone.result("image.tar").read_bytes() == sample.result("image.tar").read_bytes()
        assert clone.manifest("image.json")["digest"] == sample.manifest("image.json")["digest"]


def test_a_second_build_is_asked_for_and_gives_the_same(sample: Project) -> None:
    printed = sample.nox("-s", "image", "--", "--engine", "sandbox", "--check-reproducible")
    assert f"nox > reproducible: two builds gave {sample.manifest('image.json')['digest']}\n" in printed
