from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from support import FROZEN

from pystatic_tasks.config.model import ImageConfig, Layout
from pystatic_tasks.errors import ImageError
from pystatic_tasks.fronts.nox_process import Call
from pystatic_tasks.fronts.rebuild.compare import Difference
from pystatic_tasks.fronts.rebuild.second_build import build, circumstances, not_reproducible, other_umask
from pystatic_tasks.steps.context import StepContext
from pystatic_tasks.steps.manifest import write_manifest
from pystatic_tasks.system.files import write_whole

DIFFERENCE = Difference(where="/shop in the layer program", first="1 bytes", second="2 bytes")


def make_image(root: Path, layout: Layout = "onefile") -> ImageConfig:
    return ImageConfig(root=root, project=root, name="shop", app="shop:app", layout=layout)


def left(image: ImageConfig, **distributions: str) -> ImageConfig:
    """The image, with what freeze and image leave of it."""
    write_whole(image.dist / "image.tar", str(image.root))
    write_manifest(image, replace(FROZEN, distributions=distributions), inputs="", outputs=[])
    return image


def refusal(first: ImageConfig, second: ImageConfig) -> str:
    return str(not_reproducible(first, second, DIFFERENCE))


def test_the_first_difference_is_named_and_the_second_image_kept(tmp_path: Path) -> None:
    first, second = (left(make_image(tmp_path / name), falcon="4.0") for name in "ab")
    assert refusal(first, second) == (
        "Two builds of shop differ, first in /shop in the layer program:\n"
        "  first   1 bytes\n"
        "  second  2 bytes\n"
        "Look for what depends on the time, the place or the order of a set; the second image is in "
        "build/pystatic/shop/second."
    )
    assert (first.work / "second/image.tar").read_text(encoding="utf-8") == str(second.root)


def test_other_versions_explain_a_difference(tmp_path: Path) -> None:
    first = left(make_image(tmp_path / "a"), falcon="4.0", idna="3")
    second = left(make_image(tmp_path / "b"), falcon="4.1", h11="1")
    assert refusal(first, second).splitlines()[3:] == [
        "  falcon: 4.0 in the first build, 4.1 in the second",
        "  h11: not installed in the first build, 1 in the second",
        "  idna: 3 in the first build, not installed in the second",
        "Lock the versions of the dependencies (uv.lock, pylock.toml), and build the first image with --no-cache.",
    ]


def test_the_file_of_a_program_that_was_packed_is_named(tmp_path: Path) -> None:
    images = [left(make_image(tmp_path / name)) for name in "ab"]
    for image in images:
        write_whole(image.work / "tree/shop/usr/a.pyc", b"same")
        write_whole(image.work / "tree/shop/usr/b.pyc", str(image.root))
        (image.work / "tree/shop/usr/c.so").symlink_to(image.root)
    assert "  in the frozen program, first in usr/b.pyc\n" in refusal(*images)


def test_a_tree_is_compared_as_its_layers_are(tmp_path: Path) -> None:
    images = [left(make_image(tmp_path / name, "tree")) for name in "ab"]
    for image in images:
        write_whole(image.work / "tree/shop/a.pyc", str(image.root))
    assert "frozen program" not in refusal(*images)


def test_the_member_of_an_archive_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "pystatic_tasks.fronts.rebuild.second_build.first_differing_member", lambda *paths: "shop/web.pyc"
    )
    images = [left(replace(make_image(tmp_path / name), packer="staticx")) for name in "ab"]
    for image in images:
        write_whole(image.work / "frozen/shop", b"")
    assert "  in the frozen program, first in shop/web.pyc\n" in refusal(*images)


def test_a_second_build_that_fails_is_told_with_the_end_of_its_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "pystatic_tasks.fronts.rebuild.second_build.nox_command", lambda call, sessions: ["sh", "-c", "echo so; exit 6"]
    )
    (tmp_path / "pyproject.toml").write_text('[tool.pystatic-tasks]\napp = "shop:app"\n', encoding="utf-8")
    image = left(make_image(tmp_path))
    (tmp_path / "t").mkdir()
    with pytest.raises(ImageError) as caught:
        build(image, StepContext(say=print), Call(root=tmp_path, step="image"), "uv", tmp_path / "t")
    assert str(caught.value) == (
        "The second build of shop failed; its output is in build/pystatic/shop/second-build.log and ends with:\n"
        "  so\n"
        "Check whether the build needs files outside the project that git does not track."
    )


def test_the_second_build_has_other_circumstances(tmp_path: Path) -> None:
    first = {"TZ": "Pacific/Kiritimati", "LC_ALL": "C", "HOME": "/home/me", "GITHUB_STEP_SUMMARY": "/x"}
    assert circumstances(first, "uv", tmp_path) == {
        "TZ": "America/Caracas",
        "LC_ALL": "C.UTF-8",
        "LANGUAGE": "tr",
        "PYTHONHASHSEED": "4711",
        "HOME": "/home/me",
        "TMPDIR": str(tmp_path),
        "GIT_OPTIONAL_LOCKS": "0",
        "NOX_DEFAULT_VENV_BACKEND": "uv",
    }
    assert circumstances({}, "", tmp_path)["TZ"] == "Pacific/Kiritimati"


@pytest.mark.parametrize(("ours", "other"), [(0o022, 0o077), (0o077, 0o022), (0o002, 0o077)])
def test_the_second_build_has_another_umask(ours: int, other: int) -> None:
    before = os.umask(ours)
    try:
        assert other_umask() == other
        assert os.umask(ours) == ours
    finally:
        os.umask(before)
