from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest

from pystatic_tasks.config.model import ImageConfig, Smoke
from pystatic_tasks.steps.secrets.written import FILE, Written, remember, remembered


@pytest.fixture
def image(tmp_path: Path) -> ImageConfig:
    return ImageConfig(root=tmp_path, project=tmp_path, name="shop", app="shop:app")


def make(folder: Path, *names: str) -> list[str]:
    for name in names:
        (folder / name).write_text("x", encoding="utf-8")
    return [str(folder / name) for name in names]


def test_what_was_written_is_remembered_until_somebody_else_writes_it(image: ImageConfig, tmp_path: Path) -> None:
    made, other, changed = make(tmp_path, "made", "other", "changed")
    written = Written(made=frozenset([made, other]), changed=frozenset([changed]))
    assert remembered(image) == Written()
    remember(image, written)
    assert remembered(image) == written
    os.utime(other, (1, 1))
    Path(changed).unlink()
    assert remembered(image) == Written(made=frozenset([made]))


def test_it_is_remembered_for_each_platform_of_the_image(image: ImageConfig, tmp_path: Path) -> None:
    written = Written(made=frozenset(make(tmp_path, "made")))
    remember(image, written)
    assert remembered(replace(image, platform="linux-arm64")) == written
    remember(replace(image, platform="linux-arm64"), Written())
    assert remembered(image) == Written()


def test_what_was_written_is_remembered_where_the_project_is_moved_to(tmp_path: Path) -> None:
    for name in ("shop", "elsewhere"):
        (tmp_path / name).mkdir()
    made, outside = [*make(tmp_path / "shop", "made"), *make(tmp_path / "elsewhere", "made")]
    image = ImageConfig(root=tmp_path / "shop", project=tmp_path / "shop", name="shop")
    remember(image, Written(made=frozenset([made, outside])))
    moved = image.root.rename(tmp_path / "moved")
    found = remembered(ImageConfig(root=moved, project=moved, name="shop"))
    assert found == Written(made=frozenset([str(moved / "made"), outside]))


def test_where_nothing_was_written_nothing_is_kept(image: ImageConfig) -> None:
    remember(image, Written())
    assert not (image.work / FILE).exists()


def test_a_file_counts_by_whatever_link_it_is_reached(tmp_path: Path) -> None:
    [made] = make(tmp_path, "made")
    (tmp_path / "link").symlink_to(tmp_path)
    written = Written(made=frozenset([made]))
    assert written.holds(tmp_path / "link/made")
    assert written.is_made(made)
    assert not written.holds(tmp_path)


def test_values_of_the_callers_stand_by_their_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_KEY", "open-sesame-1")
    image = ImageConfig(root=tmp_path, project=tmp_path, name="shop", smoke=Smoke(env={"KEY": "$SHOP_KEY"}))
    made = frozenset(make(tmp_path, "open-sesame-1.json"))
    remember(image, Written(made=made))
    assert "open-sesame-1" not in (image.work / FILE).read_text(encoding="utf-8")
    assert remembered(image).made == made


@pytest.mark.parametrize(
    ("value", "name"),
    [("pa/ss word+1234", f"cache-{quote('pa/ss word+1234', safe='')}.json"), ("SHOP_KEY", "SHOP_KEY.json")],
)
def test_a_path_that_cannot_be_written_down_is_known_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str, name: str
) -> None:
    monkeypatch.setenv("SHOP_KEY", value)
    image = ImageConfig(root=tmp_path, project=tmp_path, name="shop", smoke=Smoke(env={"KEY": "$SHOP_KEY"}))
    [path] = make(tmp_path, name)
    remember(image, Written(made=frozenset([path])))
    assert name not in (image.work / FILE).read_text(encoding="utf-8")
    found = remembered(image)
    assert found.is_made(path)
    assert found.holds(path)
    remember(image, found)
    assert remembered(image) == found
    os.utime(path, (1, 1))
    assert not remembered(image).holds(path)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", "3", '{"made": [], "changed": {}}', '{"made": {"/x": 3}, "changed": {}}', "[" * 200_000],
)
def test_what_is_none_of_ours_is_nothing(image: ImageConfig, text: str) -> None:
    image.work.mkdir(parents=True)
    (image.work / FILE).write_text(text, encoding="utf-8")
    assert remembered(image) == Written()
