from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from pystatic_tasks.config.model import Image, ImageOptions
from pystatic_tasks.errors import ConfigError, ImageError
from pystatic_tasks.image import rootfs
from pystatic_tasks.image.rootfs import Entry, group, passwd, root_entries

CORRECT = "Correct tool.pystatic-tasks.image.files, or the image's name."


@pytest.fixture
def executable(tmp_path: Path) -> Path:
    path = tmp_path / "program"
    path.write_bytes(b"program")
    path.chmod(0o700)
    return path


def make_image(root: Path, name: str = "shop", **options: Any) -> Image:
    return Image(root=root, project=root, name=name, app="shop:app", image=ImageOptions(**options))


def modes(entries: list[Entry]) -> dict[str, str]:
    return {entry.path: f"{entry.mode:o}" for entry in entries}


def contents(entries: list[Entry]) -> dict[str, bytes]:
    return {
        entry.path: entry.content.read_bytes() if isinstance(entry.content, Path) else entry.content
        for entry in entries
        if entry.content is not None
    }


def refused(image: Image, executable: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        root_entries(image, executable)
    return str(caught.value)


def test_the_root_holds_the_program_its_users_and_tmp(tmp_path: Path, executable: Path) -> None:
    assert modes(root_entries(make_image(tmp_path), executable)) == {
        "/etc": "755",
        "/etc/group": "644",
        "/etc/passwd": "644",
        "/shop": "755",
        "/tmp": "1777",
    }


def test_tmp_is_writable_by_everybody(tmp_path: Path, executable: Path) -> None:
    (tmp_path / "x").write_text("x", encoding="utf-8")
    image = make_image(tmp_path, files={"/tmp/x": "x"})
    assert modes(root_entries(image, executable))["/tmp"] == "1777"


def test_the_program_may_be_run_by_everybody(tmp_path: Path, executable: Path) -> None:
    entries = root_entries(make_image(tmp_path), executable)
    assert modes(entries)["/shop"] == "755"
    assert contents(entries)["/shop"] == b"program"


def test_root_and_the_configured_user_have_names() -> None:
    assert passwd("1234:99") == (b"root:x:0:0:root:/:/sbin/nologin\nnonroot:x:1234:99:nonroot:/:/sbin/nologin\n")
    assert group("1234:99") == b"root:x:0:\nnonroot:x:99:\n"


def test_parents_stand_before_what_they_hold(tmp_path: Path, executable: Path) -> None:
    (tmp_path / "x").write_text("x", encoding="utf-8")
    image = make_image(tmp_path, files={"/opt/a/b/c": "x", "/opt/a-z": "x", "/opt/a.b": "x"})
    paths = [entry.path for entry in root_entries(image, executable)]
    assert {"/opt", "/opt/a", "/opt/a/b"} < set(paths)
    for path in paths:
        parent = str(Path(path).parent)
        assert parent == "/" or paths.index(parent) < paths.index(path)


def test_sizes_are_those_of_the_contents(executable: Path) -> None:
    assert Entry(path="/shop", mode=0o755, content=executable).size_bytes == 7
    assert Entry(path="/etc/group", mode=0o644, content=b"abc").size_bytes == 3
    assert Entry(path="/tmp", mode=0o1777).size_bytes == 0


def test_a_file_of_the_project_is_added(tmp_path: Path, executable: Path) -> None:
    (tmp_path / "größe 1.txt").write_text("1", encoding="utf-8")
    entries = root_entries(make_image(tmp_path, files={"/srv/größe eins.txt": "größe 1.txt"}), executable)
    assert contents(entries)["/srv/größe eins.txt"] == b"1"
    assert modes(entries)["/srv"] == "755"


def test_a_folder_of_the_project_is_added_with_all_files_in_it(tmp_path: Path, executable: Path) -> None:
    for name in ("a b.txt", "deep/er/ü.txt"):
        path = tmp_path / "static" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name, encoding="utf-8")
    found = contents(root_entries(make_image(tmp_path, files={"/srv": "static"}), executable))
    assert found["/srv/a b.txt"] == b"a b.txt"
    assert found["/srv/deep/er/ü.txt"] == "deep/er/ü.txt".encode()


@pytest.mark.parametrize(
    ("mode", "kept"), [(0o644, "644"), (0o600, "644"), (0o666, "644"), (0o700, "755"), (0o4755, "755"), (0o2755, "755")]
)
def test_files_keep_that_they_can_be_run_and_nothing_else_of_their_mode(
    tmp_path: Path, executable: Path, mode: int, kept: str
) -> None:
    (tmp_path / "tool").write_bytes(b"")
    (tmp_path / "tool").chmod(mode)
    assert modes(root_entries(make_image(tmp_path, files={"/tool": "tool"}), executable))["/tool"] == kept


def test_a_link_is_replaced_by_what_it_leads_to(tmp_path: Path, executable: Path) -> None:
    (tmp_path / "real").write_bytes(b"real")
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "link").symlink_to(tmp_path / "real")
    assert contents(root_entries(make_image(tmp_path, files={"/srv": "static"}), executable))["/srv/link"] == b"real"


@pytest.mark.parametrize("source", ["nowhere", "dead link"])
def test_a_file_that_is_not_there_is_named(tmp_path: Path, executable: Path, source: str) -> None:
    (tmp_path / "dead link").symlink_to("nowhere")
    assert refused(make_image(tmp_path, files={"/x": source}), executable) == (
        f'tool.pystatic-tasks.image.files names "{source}", and it is not in {tmp_path}.\nCorrect the path.'
    )


@pytest.mark.parametrize("path", ["/etc/passwd", "/etc/group", "/shop", "/tmp"])
def test_a_file_cannot_take_the_place_of_ours(tmp_path: Path, executable: Path, path: str) -> None:
    image = make_image(tmp_path, files={path: "program"})
    assert refused(image, executable) == f"Two files of the image are called {path}.\n{CORRECT}"


@pytest.mark.parametrize(("path", "file"), [("/shop/config", "/shop"), ("/etc/passwd/x", "/etc/passwd")])
def test_nothing_can_stand_in_a_file(tmp_path: Path, executable: Path, path: str, file: str) -> None:
    image = make_image(tmp_path, files={path: "program"})
    assert refused(image, executable) == f"{path} of the image stands in {file}, which is a file.\n{CORRECT}"


def test_a_program_called_as_a_folder_of_the_image_is_refused(tmp_path: Path, executable: Path) -> None:
    text = f"/etc/passwd of the image stands in /etc, which is a file.\n{CORRECT}"
    assert refused(make_image(tmp_path, name="etc"), executable) == text


def test_what_is_neither_file_nor_folder_is_refused(tmp_path: Path, executable: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert refused(make_image(tmp_path, files={"/x": "pipe"}), executable) == (
        'tool.pystatic-tasks.image.files names "pipe", which is neither a file nor a folder.\nCorrect the path.'
    )


def test_an_empty_folder_is_added(tmp_path: Path, executable: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert modes(root_entries(make_image(tmp_path, files={"/srv": "empty"}), executable))["/srv"] == "755"


def test_certificates_are_copied_from_where_the_distribution_keeps_them(
    tmp_path: Path, executable: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bundle.pem").write_bytes(b"authorities")
    monkeypatch.setattr(rootfs, "CERTIFICATE_SOURCES", (tmp_path / "nowhere", tmp_path / "bundle.pem"))
    entries = root_entries(make_image(tmp_path, certificates=True), executable)
    assert contents(entries)["/etc/ssl/certs/ca-certificates.crt"] == b"authorities"
    assert modes(entries)["/etc/ssl/certs"] == "755"


def test_a_machine_without_certificates_is_told_how_to_get_them(
    tmp_path: Path, executable: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rootfs, "CERTIFICATE_SOURCES", (tmp_path / "nowhere",))
    with pytest.raises(ImageError) as caught:
        root_entries(make_image(tmp_path, certificates=True), executable)
    assert str(caught.value) == (
        "tool.pystatic-tasks.image.certificates is set, and this machine has no bundle of authorities.\n"
        "Install it: apt-get install ca-certificates."
    )


def test_time_zones_are_copied_without_their_doubles(
    tmp_path: Path, executable: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    zones = tmp_path / "zoneinfo"
    for name in ("UTC", "Europe/Berlin", "posix/UTC", "right/Europe/Berlin", "posixrules", "localtime"):
        (zones / name).parent.mkdir(parents=True, exist_ok=True)
        (zones / name).write_bytes(b"TZif")
    monkeypatch.setattr(rootfs, "TIMEZONES", zones)
    found = contents(root_entries(make_image(tmp_path, timezones=True), executable))
    assert {path for path in found if path.startswith(str(zones))} == {f"{zones}/UTC", f"{zones}/Europe/Berlin"}


def test_a_machine_without_time_zones_is_told_how_to_get_them(
    tmp_path: Path, executable: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rootfs, "TIMEZONES", tmp_path / "zoneinfo")
    with pytest.raises(ImageError) as caught:
        root_entries(make_image(tmp_path, timezones=True), executable)
    assert str(caught.value) == (
        f"tool.pystatic-tasks.image.timezones is set, and this machine has no {tmp_path}/zoneinfo.\n"
        "Install it: apt-get install tzdata."
    )
