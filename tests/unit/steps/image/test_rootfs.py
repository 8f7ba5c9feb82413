from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support import FROZEN

from pystatic_tasks.config.model import ImageConfig, ImageOptions, Layout
from pystatic_tasks.errors import ConfigError, ImageError
from pystatic_tasks.in_env.protocol import TreeFile
from pystatic_tasks.oci.layers import Entry
from pystatic_tasks.steps.image import rootfs
from pystatic_tasks.steps.image.rootfs import LAYERS, check_places, group, passwd, root_entries, with_parents
from pystatic_tasks.steps.image.time_zone import utc
from pystatic_tasks.steps.results import Frozen
from pystatic_tasks.steps.secrets.written import Written, remember
from pystatic_tasks.system import certificates

CORRECT = "Correct image.files or image.volumes of tool.pystatic-tasks, or the image's name."


def make_image(root: Path, name: str = "shop", layout: Layout = "onefile", **options: Any) -> ImageConfig:
    return ImageConfig(
        root=root,
        project=root,
        name=name,
        app="shop:app",
        layout=layout,
        packer="staticx",
        image=ImageOptions(**options),
    )


def entries_of(image: ImageConfig) -> list[Entry]:
    """The entries of an image of one executable, which has one layer."""
    a_file(image.dist / image.name, "program", mode=0o700)
    (layer,) = root_entries(image, FROZEN).values()
    return layer


def a_file(path: Path, content: str = "x", mode: int = 0o644) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    path.chmod(mode)
    return path


def modes(entries: list[Entry]) -> dict[str, str]:
    return {entry.path: f"{entry.mode:o}" for entry in entries}


def contents(entries: list[Entry]) -> dict[str, bytes]:
    return {
        entry.path: entry.content.read_bytes() if isinstance(entry.content, Path) else entry.content
        for entry in entries
        if entry.content is not None
    }


def refused(image: ImageConfig, frozen: Frozen = FROZEN) -> str:
    with pytest.raises(ConfigError) as caught:
        root_entries(image, frozen)
    return str(caught.value)


def test_the_root_holds_the_program_its_users_and_tmp(tmp_path: Path) -> None:
    assert modes(entries_of(make_image(tmp_path))) == {
        "/etc": "755",
        "/etc/group": "644",
        "/etc/passwd": "644",
        "/shop": "755",
        "/tmp": "1777",
        "/usr": "755",
        "/usr/share": "755",
        "/usr/share/lib": "755",
        "/usr/share/lib/zoneinfo": "755",
        "/usr/share/lib/zoneinfo/Etc": "755",
        "/usr/share/lib/zoneinfo/Etc/UTC": "644",
        "/usr/share/lib/zoneinfo/UTC": "644",
    }


def test_tmp_is_writable_by_everybody(tmp_path: Path) -> None:
    a_file(tmp_path / "x")
    image = make_image(tmp_path, files={"/tmp/x": "x"})
    assert modes(entries_of(image))["/tmp"] == "1777"


def test_volumes_are_writable_by_everybody_and_may_hold_files(tmp_path: Path) -> None:
    a_file(tmp_path / "x")
    image = make_image(tmp_path, volumes=("/data", "/var/lib/shop"), files={"/data/x": "x"})
    found = modes(entries_of(image))
    assert {path: found[path] for path in ("/data", "/data/x", "/var", "/var/lib", "/var/lib/shop")} == {
        "/data": "1777",
        "/data/x": "644",
        "/var": "755",
        "/var/lib": "755",
        "/var/lib/shop": "1777",
    }


def test_volumes_stand_in_the_lowest_layer(tmp_path: Path, tree: Frozen) -> None:
    layers = root_entries(make_image(tmp_path, layout="tree", volumes=("/data",)), tree)
    assert [kind for kind, entries in layers.items() if "/data" in modes(entries)] == ["libc"]


@pytest.mark.parametrize("path", ["/tmp", "/shop", "/etc/passwd"])
def test_a_volume_cannot_take_the_place_of_ours(tmp_path: Path, path: str) -> None:
    image = make_image(tmp_path, volumes=(path,))
    assert refused(image) == f"Two files in the image have the path {path}.\n{CORRECT}"


def test_the_program_may_be_run_by_everybody(tmp_path: Path) -> None:
    entries = entries_of(make_image(tmp_path))
    assert modes(entries)["/shop"] == "755"
    assert contents(entries)["/shop"] == b"program"


def test_root_and_the_configured_user_have_names() -> None:
    assert passwd("1234:99") == (b"root:x:0:0:root:/:/sbin/nologin\nnonroot:x:1234:99:nonroot:/:/sbin/nologin\n")
    assert group("1234:99") == b"root:x:0:\nnonroot:x:99:\n"


def test_parents_stand_before_what_they_hold(tmp_path: Path) -> None:
    a_file(tmp_path / "x")
    image = make_image(tmp_path, files={"/opt/a/b/c": "x", "/opt/a-z": "x", "/opt/a.b": "x"})
    paths = [entry.path for entry in entries_of(image)]
    assert {"/opt", "/opt/a", "/opt/a/b"} < set(paths)
    for path in paths:
        parent = str(Path(path).parent)
        assert parent == "/" or paths.index(parent) < paths.index(path)


def test_sizes_are_those_of_the_contents(tmp_path: Path) -> None:
    assert Entry(path="/shop", mode=0o755, content=a_file(tmp_path / "shop", "program")).size_bytes == 7
    assert Entry(path="/etc/group", mode=0o644, content=b"abc").size_bytes == 3
    assert Entry(path="/tmp", mode=0o1777).size_bytes == 0
    assert Entry(path="/lib", mode=0o777, link="usr/lib").size_bytes == 0


def test_a_file_of_the_project_is_added(tmp_path: Path) -> None:
    (tmp_path / "größe 1.txt").write_text("1", encoding="utf-8")
    entries = entries_of(make_image(tmp_path, files={"/srv/größe eins.txt": "größe 1.txt"}))
    assert contents(entries)["/srv/größe eins.txt"] == b"1"
    assert modes(entries)["/srv"] == "755"


def test_a_folder_of_the_project_is_added_with_all_files_in_it(tmp_path: Path) -> None:
    for name in ("a b.txt", "deep/er/ü.txt"):
        path = tmp_path / "static" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name, encoding="utf-8")
    found = contents(entries_of(make_image(tmp_path, files={"/srv": "static"})))
    assert found["/srv/a b.txt"] == b"a b.txt"
    assert found["/srv/deep/er/ü.txt"] == "deep/er/ü.txt".encode()


@pytest.mark.parametrize(
    ("mode", "kept"), [(0o644, "644"), (0o600, "644"), (0o666, "644"), (0o700, "755"), (0o4755, "755"), (0o2755, "755")]
)
def test_files_keep_that_they_can_be_run_and_nothing_else_of_their_mode(tmp_path: Path, mode: int, kept: str) -> None:
    (tmp_path / "tool").write_bytes(b"")
    (tmp_path / "tool").chmod(mode)
    assert modes(entries_of(make_image(tmp_path, files={"/tool": "tool"})))["/tool"] == kept


def test_a_link_is_replaced_by_what_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"real")
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "link").symlink_to(tmp_path / "real")
    assert contents(entries_of(make_image(tmp_path, files={"/srv": "static"})))["/srv/link"] == b"real"


@pytest.mark.parametrize("source", ["nowhere", "dead link"])
def test_a_file_that_is_not_there_is_named(tmp_path: Path, source: str) -> None:
    (tmp_path / "dead link").symlink_to("nowhere")
    assert refused(make_image(tmp_path, files={"/x": source})) == (
        f'tool.pystatic-tasks.image.files names "{source}", which is not in {tmp_path}.\nCorrect the path.'
    )


@pytest.mark.parametrize("path", ["/etc/passwd", "/etc/group", "/shop", "/tmp"])
def test_a_file_cannot_take_the_place_of_ours(tmp_path: Path, path: str) -> None:
    a_file(tmp_path / "x")
    image = make_image(tmp_path, files={path: "x"})
    assert refused(image) == f"Two files in the image have the path {path}.\n{CORRECT}"


@pytest.mark.parametrize(("path", "file"), [("/shop/config", "/shop"), ("/etc/passwd/x", "/etc/passwd")])
def test_nothing_can_stand_in_a_file(tmp_path: Path, path: str, file: str) -> None:
    a_file(tmp_path / "x")
    image = make_image(tmp_path, files={path: "x"})
    assert refused(image) == f"{path} in the image is below {file}, which is a file.\n{CORRECT}"


def test_a_program_called_as_a_folder_of_the_image_is_refused(tmp_path: Path) -> None:
    text = f"/etc/passwd in the image is below /etc, which is a file.\n{CORRECT}"
    assert refused(make_image(tmp_path, name="etc")) == text


def test_what_is_neither_file_nor_folder_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert refused(make_image(tmp_path, files={"/x": "pipe"})) == (
        'tool.pystatic-tasks.image.files names "pipe", which is neither a file nor a folder.\nCorrect the path.'
    )


def test_an_empty_folder_is_added(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert modes(entries_of(make_image(tmp_path, files={"/srv": "empty"})))["/srv"] == "755"


def test_certificates_are_copied_from_where_the_distribution_keeps_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bundle.pem").write_bytes(b"authorities")
    monkeypatch.setattr(certificates, "BUNDLES", (tmp_path / "nowhere", tmp_path / "bundle.pem"))
    entries = entries_of(make_image(tmp_path, certificates=True))
    assert contents(entries)["/etc/ssl/certs/ca-certificates.crt"] == b"authorities"
    assert modes(entries)["/etc/ssl/certs"] == "755"


def test_a_machine_without_certificates_is_told_how_to_get_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(certificates, "BUNDLES", (tmp_path / "nowhere",))
    with pytest.raises(ImageError) as caught:
        entries_of(make_image(tmp_path, certificates=True))
    assert str(caught.value) == (
        "tool.pystatic-tasks.image.certificates is set, but this machine has no certificate bundle.\n"
        "Install it: apt-get install ca-certificates."
    )


def test_time_zones_are_copied_without_their_doubles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    zones = tmp_path / "zoneinfo"
    for name in ("UTC", "Europe/Berlin", "posix/UTC", "right/Europe/Berlin", "posixrules", "localtime"):
        (zones / name).parent.mkdir(parents=True, exist_ok=True)
        (zones / name).write_bytes(b"TZif")
    monkeypatch.setattr(rootfs, "TIMEZONES", zones)
    found = contents(entries_of(make_image(tmp_path, timezones=True)))
    assert {path for path in found if path.startswith(str(zones))} == {f"{zones}/UTC", f"{zones}/Europe/Berlin"}


def test_utc_is_there_unasked(tmp_path: Path) -> None:
    found = contents(entries_of(make_image(tmp_path)))
    assert found["/usr/share/lib/zoneinfo/UTC"] == found["/usr/share/lib/zoneinfo/Etc/UTC"] == utc()


def test_the_folder_of_the_systems_time_zones_is_not_there_for_utc_alone(tmp_path: Path) -> None:
    """Django takes it for complete, and refuses a TIME_ZONE that is not in it."""
    assert "/usr/share/zoneinfo" not in modes(entries_of(make_image(tmp_path)))


def test_utc_of_a_tree_stands_in_the_lowest_layer(tmp_path: Path, tree: Frozen) -> None:
    layers = root_entries(make_image(tmp_path, layout="tree"), tree)
    assert [kind for kind, entries in layers.items() if "/usr/share/lib/zoneinfo/UTC" in modes(entries)] == ["libc"]


def test_the_systems_utc_needs_none_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rootfs, "TIMEZONES", tmp_path / "zoneinfo")
    a_file(tmp_path / "zoneinfo" / "UTC")
    assert "/usr/share/lib/zoneinfo" not in modes(entries_of(make_image(tmp_path, timezones=True)))


def test_a_time_zone_of_the_projects_own_goes_before_ours(tmp_path: Path) -> None:
    a_file(tmp_path / "zones" / "UTC", "own")
    found = contents(entries_of(make_image(tmp_path, files={"/usr/share/lib/zoneinfo": "zones"})))
    assert found["/usr/share/lib/zoneinfo/UTC"] == b"own"
    assert found["/usr/share/lib/zoneinfo/Etc/UTC"] == utc()


def test_a_machine_without_time_zones_is_told_how_to_get_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rootfs, "TIMEZONES", tmp_path / "zoneinfo")
    with pytest.raises(ImageError) as caught:
        entries_of(make_image(tmp_path, timezones=True))
    assert str(caught.value) == (
        f"tool.pystatic-tasks.image.timezones is set, but this machine has no {tmp_path}/zoneinfo.\n"
        "Install it: apt-get install tzdata."
    )


# Single entries.


@pytest.mark.parametrize(
    ("entry", "is_folder"),
    [
        (Entry(path="/tmp", mode=0o1777), True),
        (Entry(path="/empty", mode=0o644, content=b""), False),
        (Entry(path="/lib", mode=0o777, link="usr/lib"), False),
    ],
)
def test_what_has_neither_content_nor_a_target_is_a_folder(entry: Entry, is_folder: bool) -> None:
    assert entry.is_folder is is_folder


def test_an_entry_has_another_fingerprint_for_other_bytes_in_the_layer(tmp_path: Path) -> None:
    one, same = a_file(tmp_path / "one", "a"), a_file(tmp_path / "same", "a", mode=0o755)
    entries = [
        Entry(path="/a", mode=0o644, content=one),
        Entry(path="/b", mode=0o644, content=one),
        Entry(path="/a", mode=0o755, content=one),
        Entry(path="/a", mode=0o644, content=a_file(tmp_path / "other", "b")),
        Entry(path="/a", mode=0o644, content=b"a"),
        Entry(path="/a", mode=0o644, content=b"b"),
        Entry(path="/a", mode=0o644, content=b""),
        Entry(path="/a", mode=0o644),
        Entry(path="/a", mode=0o644, link="a"),
        Entry(path="/a", mode=0o644, link="b"),
    ]
    assert len({json.dumps(entry.fingerprint()) for entry in entries}) == len(entries)
    assert Entry(path="/a", mode=0o644, content=same).fingerprint() == entries[0].fingerprint()


def test_a_folder_is_added_once_as_it_is_known() -> None:
    own = Entry(path="/srv", mode=0o1777)
    entries = [Entry(path="/srv/a/x", mode=0o644, content=b""), Entry(path="/srv/a.b", mode=0o644, content=b"")]
    assert with_parents(entries, {"/srv": own}) == [own, Entry(path="/srv/a", mode=0o755), entries[1], entries[0]]


def test_nothing_can_stand_in_a_link() -> None:
    with pytest.raises(ConfigError) as caught:
        check_places([Entry(path="/lib/x", mode=0o644, content=b""), Entry(path="/lib", mode=0o777, link="usr/lib")])
    assert str(caught.value) == f"/lib/x in the image is below /lib, which is a file.\n{CORRECT}"


# A tree: the program as files, in layers.


OWNERS = {
    "/shop": "project",
    "/opt/shop/web.pyc": "project",
    "/opt/falcon/app.pyc": "third-party",
    "/opt/libx.so": "third-party",
    "/opt/x.libs/libx.so": "third-party",
    "/opt/os.pyc": "python",
    "/opt/libpython3.so": "python",
    "/lib/x86_64-linux-gnu/libc.so.6": "libc",
}
RUNNABLE = ("/shop", "/opt/libpython3.so")


@pytest.fixture
def tree(tmp_path: Path) -> Frozen:
    """What freeze left of a tree."""
    program = tmp_path / "tree"
    for path in OWNERS:
        a_file(Path(f"{program}{path}"), path, mode=0o700 if path in RUNNABLE else 0o600)
    (program / "opt/libx.so").unlink()
    (program / "opt/libx.so").symlink_to("x.libs/libx.so")
    files = tuple(TreeFile(path=path, owner=owner) for path, owner in OWNERS.items())
    return replace(FROZEN, program=program, files=files)


def test_every_layer_holds_what_changes_together(tmp_path: Path, tree: Frozen) -> None:
    layers = root_entries(make_image(tmp_path, layout="tree"), tree)
    assert tuple(layers) == LAYERS["tree"] == ("libc", "python", "third-party", "project")
    assert {kind: [entry.path for entry in entries if not entry.is_folder] for kind, entries in layers.items()} == {
        "libc": [
            *("/etc/group", "/etc/nsswitch.conf", "/etc/passwd", "/lib/x86_64-linux-gnu/libc.so.6"),
            *("/usr/share/lib/zoneinfo/Etc/UTC", "/usr/share/lib/zoneinfo/UTC"),
        ],
        "python": ["/opt/libpython3.so", "/opt/os.pyc"],
        "third-party": ["/opt/falcon/app.pyc", "/opt/libx.so", "/opt/x.libs/libx.so"],
        "project": ["/opt/shop/web.pyc", "/shop"],
    }


def test_every_layer_holds_the_folders_that_its_files_stand_in(tmp_path: Path, tree: Frozen) -> None:
    layers = root_entries(make_image(tmp_path, layout="tree"), tree)
    assert {kind: [entry.path for entry in entries if entry.is_folder] for kind, entries in layers.items()} == {
        "libc": [
            *("/etc", "/lib", "/lib/x86_64-linux-gnu", "/tmp", "/usr", "/usr/share", "/usr/share/lib"),
            *("/usr/share/lib/zoneinfo", "/usr/share/lib/zoneinfo/Etc"),
        ],
        "python": ["/opt"],
        "third-party": ["/opt", "/opt/falcon", "/opt/x.libs"],
        "project": ["/opt", "/opt/shop"],
    }


def test_files_of_a_tree_keep_that_they_can_be_run_and_links_that_they_are(tmp_path: Path, tree: Frozen) -> None:
    layers = root_entries(make_image(tmp_path, layout="tree"), tree)
    assert modes(layers["python"]) == {
        "/opt": "755",
        "/opt/libpython3.so": "755",
        "/opt/os.pyc": "644",
    }
    assert modes(layers["project"])["/shop"] == "755"
    assert contents(layers["project"])["/shop"] == b"/shop"
    (link,) = (entry for entry in layers["third-party"] if entry.link)
    assert link == Entry(path="/opt/libx.so", mode=0o777, link="x.libs/libx.so")


def test_a_tree_is_told_where_names_are_looked_up(tmp_path: Path, tree: Frozen) -> None:
    libc = contents(root_entries(make_image(tmp_path, layout="tree"), tree)["libc"])
    assert libc["/etc/nsswitch.conf"] == b"passwd: files\ngroup: files\nhosts: files dns\n"


def test_the_static_executable_is_no_part_of_a_tree(tmp_path: Path, tree: Frozen) -> None:
    image = make_image(tmp_path, layout="tree")
    a_file(image.dist / "shop", "of the other layout")
    layers = root_entries(image, tree)
    assert contents(layers["project"])["/shop"] == b"/shop"


def test_what_the_system_brings_lies_below_and_the_projects_files_above(
    tmp_path: Path, tree: Frozen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(certificates, "BUNDLES", (a_file(tmp_path / "bundle.pem", "authorities"),))
    a_file(tmp_path / "x")
    image = make_image(tmp_path, layout="tree", certificates=True, files={"/tmp/x": "x", "/etc/shop.conf": "x"})
    layers = root_entries(image, tree)
    assert contents(layers["libc"])["/etc/ssl/certs/ca-certificates.crt"] == b"authorities"
    assert {"/tmp/x", "/etc/shop.conf"} <= set(contents(layers["project"]))
    assert (modes(layers["project"])["/tmp"], modes(layers["project"])["/etc"]) == ("1777", "755")


@pytest.mark.parametrize("path", ["/etc/nsswitch.conf", "/opt/os.pyc", "/shop", "/opt/libx.so"])
def test_a_file_cannot_take_the_place_of_one_in_another_layer(tmp_path: Path, tree: Frozen, path: str) -> None:
    a_file(tmp_path / "x")
    image = make_image(tmp_path, layout="tree", files={path: "x"})
    assert refused(image, tree) == f"Two files in the image have the path {path}.\n{CORRECT}"


@pytest.mark.parametrize(
    ("path", "file"),
    [("/opt/os.pyc/x", "/opt/os.pyc"), ("/opt/libx.so/x", "/opt/libx.so")],
)
def test_nothing_can_stand_in_a_file_of_another_layer(tmp_path: Path, tree: Frozen, path: str, file: str) -> None:
    a_file(tmp_path / "x")
    image = make_image(tmp_path, layout="tree", files={path: "x"})
    assert refused(image, tree) == f"{path} in the image is below {file}, which is a file.\n{CORRECT}"


def test_secrets_in_folders_are_refused_with_the_lines_that_let_them_in(tmp_path: Path) -> None:
    a_file(tmp_path / "static/app.js")
    a_file(tmp_path / "static/inner/.env")
    a_file(tmp_path / "static/tls.key")
    image = make_image(tmp_path, files={"/srv": "static"})
    assert refused(image) == (
        "2 files of the project would go into shop unasked:\n"
        "  static/inner/.env: a file of variables\n"
        "  static/tls.key: a private key\n"
        "Remove what must not go in, and list what should go in under tool.pystatic-tasks.image.files: "
        '"/srv/inner/.env" = "static/inner/.env", "/srv/tls.key" = "static/tls.key".'
    )


def test_lines_that_let_files_in_are_written_as_toml_has_them(tmp_path: Path) -> None:
    for name in ('a "b".key', "c\n.key"):
        a_file(tmp_path / "static" / name)
    text = refused(make_image(tmp_path, files={"/srv": "static"}))
    assert text.endswith(
        'tool.pystatic-tasks.image.files: "/srv/a \\"b\\".key" = "static/a \\"b\\".key". Nothing can be listed for '
        "static/c\\n.key: change what a build makes it of, such as pyproject.toml, or its name."
    )


def test_what_the_program_itself_wrote_into_a_folder_is_refused(tmp_path: Path) -> None:
    for name in ("app.js", "cache.json"):
        a_file(tmp_path / "static" / name)
    image = make_image(tmp_path, files={"/srv": "static"})
    remember(image, Written(made=frozenset([str(tmp_path / "static/cache.json")])))
    assert refused(image) == (
        "1 file of the project would go into shop unasked:\n"
        "  static/cache.json: the program itself wrote it while it was imported or observed\n"
        "Let observe.env have the program write elsewhere. Remove what must not go in, and list what should go in under"
        ' tool.pystatic-tasks.image.files: "/srv/cache.json" = "static/cache.json".'
    )


def test_files_listed_by_hand_go_in_also_beside_the_folder_that_holds_them(tmp_path: Path) -> None:
    a_file(tmp_path / "static/.env", "of the folder")
    a_file(tmp_path / "production.env", "by hand")
    image = make_image(tmp_path, files={"/srv": "static", "/srv/.env": "production.env", "/tls.key": "static/.env"})
    found = contents(entries_of(image))
    assert (found["/srv/.env"], found["/tls.key"]) == (b"by hand", b"of the folder")


def test_links_in_folders_that_lead_out_of_the_project_are_refused(tmp_path: Path) -> None:
    root, secret = tmp_path / "shop", a_file(tmp_path / "secret")
    a_file(root / "pages/page.html")
    (root / "pages/same.html").symlink_to("page.html")
    (root / "pages/link").symlink_to("../../secret")
    image = make_image(root, files={"/pages": "pages"})
    assert refused(image).splitlines()[1] == f"  pages/link: a link to {secret}"
    by_hand = make_image(root, files={"/pages": "pages", "/pages/link": "pages/link"})
    assert {"/pages/link", "/pages/same.html"} <= contents(entries_of(by_hand)).keys()
