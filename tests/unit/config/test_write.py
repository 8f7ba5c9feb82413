from __future__ import annotations

import os
from pathlib import Path

import pytest

from pystatic_tasks.config import ImageConfig, load_config
from pystatic_tasks.config import write as module
from pystatic_tasks.config.write import write_repair
from pystatic_tasks.errors import ConfigError, Repair

TOP = '[tool.pystatic-tasks]\napp = "a:b"  # served\n'
OTHERS = "\n[tool.other]\nx = 1\n"
IMAGES = '[tool.pystatic-tasks.images.web]\napp = "a:b"\n[tool.pystatic-tasks.images.worker]\nscript = "x.py"\n'


def write(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pyproject.toml").write_bytes(text.encode())
    return folder / "pyproject.toml"


def repair_of(image: ImageConfig) -> Repair:
    return Repair(table="freeze", key="hidden-imports", value=(*image.freeze.hidden_imports, "größe"))


def repaired(folder: Path, text: str, number: int = 0) -> str:
    """What the file is after a module was added for one of its images; the configuration has it then."""
    path = write(folder, text)
    image = load_config(folder)[number]
    wanted = repair_of(image)
    write_repair(image, wanted)
    assert load_config(folder)[number].freeze.hidden_imports == wanted.value
    return path.read_bytes().decode()


def refused(folder: Path, text: str) -> str:
    """What is said if it cannot be written; the file is as it was, and nothing is beside it."""
    path = write(folder, TOP)
    image = load_config(folder)[0]
    write(folder, text)
    with pytest.raises(ConfigError) as caught:
        write_repair(image, repair_of(image))
    assert path.read_bytes().decode() == text
    assert [each.name for each in folder.iterdir()] == ["pyproject.toml"]
    return str(caught.value)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (TOP, TOP + 'freeze.hidden-imports = ["größe"]\n'),
        (TOP.rstrip("\n"), TOP + 'freeze.hidden-imports = ["größe"]\n'),
        (TOP + OTHERS, TOP + 'freeze.hidden-imports = ["größe"]\n' + OTHERS),
        (
            TOP + "freeze.optimize = 1  # for docs\nsmoke.timeout = 3\n",
            TOP + 'freeze.optimize = 1  # for docs\nfreeze.hidden-imports = ["größe"]\nsmoke.timeout = 3\n',
        ),
        (
            TOP + "[tool.pystatic-tasks.freeze]\n# why\noptimize = 1\n" + OTHERS,
            TOP + '[tool.pystatic-tasks.freeze]\n# why\noptimize = 1\nhidden-imports = ["größe"]\n' + OTHERS,
        ),
        (
            "[tool.pystatic-tasks.freeze]\noptimize = 1\n" + OTHERS + TOP,
            '[tool.pystatic-tasks.freeze]\noptimize = 1\nhidden-imports = ["größe"]\n' + OTHERS + TOP,
        ),
        (TOP + 'freeze.hidden-imports = ["a"]  # why\n', TOP + 'freeze.hidden-imports = ["a", "größe"]  # why\n'),
        (
            TOP + 'freeze.hidden-imports = [\n    "a",  # one\n]\n',
            TOP + 'freeze.hidden-imports = [\n    "a",  # one\n    "größe",\n]\n',
        ),
        (TOP + "freeze = { optimize = 1 }\n", TOP + 'freeze = { optimize = 1, hidden-imports = ["größe"]}\n'),
        (
            '[tool]\npystatic-tasks = { app = "a:b" }\n',
            '[tool]\npystatic-tasks = { app = "a:b", freeze = {hidden-imports = ["größe"]}}\n',
        ),
        (
            'tool.pystatic-tasks.app = "a:b"\n',
            'tool.pystatic-tasks.app = "a:b"\ntool.pystatic-tasks.freeze.hidden-imports = ["größe"]\n',
        ),
        (TOP.replace("\n", "\r\n"), TOP.replace("\n", "\r\n") + 'freeze.hidden-imports = ["größe"]\r\n'),
    ],
)
def test_only_the_line_is_added(tmp_path: Path, before: str, after: str) -> None:
    assert repaired(tmp_path, before) == after


@pytest.mark.parametrize(
    ("before", "number", "old", "new"),
    [
        (IMAGES, 0, '"a:b"\n', '"a:b"\nfreeze.hidden-imports = ["größe"]\n'),
        (IMAGES, 1, '"x.py"\n', '"x.py"\nfreeze.hidden-imports = ["größe"]\n'),
        (
            '[tool.pystatic-tasks]\nfreeze.hidden-imports = ["a"]\n' + IMAGES,
            1,
            '"x.py"\n',
            '"x.py"\nfreeze.hidden-imports = ["a", "größe"]\n',
        ),
        (IMAGES + 'name = "w"\n', 1, 'name = "w"\n', 'name = "w"\nfreeze.hidden-imports = ["größe"]\n'),
        (
            '[tool.pystatic-tasks]\nimages.web.app = "a:b"\nimages.worker.script = "x.py"\n',
            0,
            '"a:b"\n',
            '"a:b"\nimages.web.freeze.hidden-imports = ["größe"]\n',
        ),
    ],
)
def test_of_several_images_each_has_its_own(tmp_path: Path, before: str, number: int, old: str, new: str) -> None:
    assert repaired(tmp_path, before, number) == before.replace(old, new)


def test_without_a_table_of_ours_there_will_be_one(tmp_path: Path) -> None:
    path = write(tmp_path, '[project]\nname = "shop"\n')
    (image,) = load_config(tmp_path, overrides={"app": "a:b"})
    write_repair(image, repair_of(image))
    assert path.read_text(encoding="utf-8") == (
        '[project]\nname = "shop"\n\n[tool.pystatic-tasks]\nfreeze.hidden-imports = ["größe"]\n'
    )


def test_a_list_that_is_another_is_replaced(tmp_path: Path) -> None:
    path = write(tmp_path, TOP + 'freeze.data = ["x:y"]\n')
    (image,) = load_config(tmp_path)
    write_repair(image, Repair(table="freeze", key="data", value=("a:b", "c:d")))
    assert path.read_text(encoding="utf-8") == TOP + 'freeze.data = ["a:b", "c:d"]\n'


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (TOP, TOP + "image.timezones = true\n"),
        (TOP + "image.timezones = false  # why\n", TOP + "image.timezones = true  # why\n"),
        (
            TOP + "[tool.pystatic-tasks.image]\nuser = '1:1'\n" + OTHERS,
            TOP + "[tool.pystatic-tasks.image]\nuser = '1:1'\ntimezones = true\n" + OTHERS,
        ),
        (
            '[tool]\npystatic-tasks = { app = "a:b" }\n',
            '[tool]\npystatic-tasks = { app = "a:b", image = {timezones = true}}\n',
        ),
    ],
)
def test_a_switch_is_written_too(tmp_path: Path, before: str, after: str) -> None:
    path = write(tmp_path, before)
    (image,) = load_config(tmp_path)
    line = write_repair(image, Repair(table="image", key="timezones", value=True))
    assert line == "tool.pystatic-tasks.image.timezones = true"
    assert path.read_text(encoding="utf-8") == after
    assert load_config(tmp_path)[0].image.timezones


def test_the_line_is_told_with_its_whole_path(tmp_path: Path) -> None:
    write(tmp_path, IMAGES)
    image = load_config(tmp_path)[1]
    assert write_repair(image, repair_of(image)) == (
        'tool.pystatic-tasks.images.worker.freeze.hidden-imports = ["größe"]'
    )


def test_the_file_keeps_its_mode_and_a_link_stays_one(tmp_path: Path) -> None:
    real = write(tmp_path / "real", TOP)
    real.chmod(0o640)
    (tmp_path / "pyproject.toml").symlink_to("real/pyproject.toml")
    (image,) = load_config(tmp_path)
    write_repair(image, repair_of(image))
    assert (tmp_path / "pyproject.toml").is_symlink()
    assert f"{real.stat().st_mode:o}" == "100640"
    assert "größe" in real.read_text(encoding="utf-8")


def test_a_file_that_cannot_be_written_is_left_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)
    assert refused(tmp_path, TOP) == (
        f"Cannot write {tmp_path}/pyproject.toml (Permission denied); it is unchanged. It still lacks this line:\n"
        '  freeze.hidden-imports = ["größe"]\n'
        "Add the line yourself."
    )


def test_nothing_is_written_through_a_link_out_of_the_project(tmp_path: Path) -> None:
    outside, root = write(tmp_path / "outside", TOP), tmp_path / "shop"
    root.mkdir()
    (root / "pyproject.toml").symlink_to(outside)
    (image,) = load_config(root)
    with pytest.raises(ConfigError) as caught:
        write_repair(image, repair_of(image))
    assert str(caught.value) == (
        f"Cannot write {root}/pyproject.toml (it is a link to {outside}, outside the project); it is unchanged. "
        "It still lacks this line:\n"
        '  freeze.hidden-imports = ["größe"]\n'
        "Add the line yourself."
    )
    assert outside.read_text(encoding="utf-8") == TOP


def test_a_file_that_is_no_toml_any_more_is_left_as_it_is(tmp_path: Path) -> None:
    assert refused(tmp_path, "[tool\n").startswith(f"Cannot write {tmp_path}/pyproject.toml (")


def test_what_would_change_something_else_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "with_line", lambda *_: "[tool]\n")
    assert "(it cannot be added without changing something else)" in refused(tmp_path, TOP)
