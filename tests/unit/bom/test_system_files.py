from __future__ import annotations

from pathlib import Path

from pystatic_tasks.bom.components import image_components, makers_of
from pystatic_tasks.bom.system_files import CopiedFiles, SystemFiles
from pystatic_tasks.in_env.protocol import Component

PROJECT = Component(kind="project", type="generic", name="shop", files=("/shop",))
ZONES = Component(kind="system", type="deb", name="tzdata")
BUNDLE = "/etc/ssl/certs/ca-certificates.crt"


def test_files_of_this_machine_lie_where_they_are() -> None:
    system = SystemFiles()
    assert system.place("/etc/hosts") == Path("/etc/hosts")
    assert system.path_of(Path("/etc/hosts")) == "/etc/hosts"


def test_copies_lie_in_their_folder_at_the_paths_that_they_had(tmp_path: Path) -> None:
    system = CopiedFiles(folder=tmp_path, packages={})
    assert system.place("/etc/hosts") == tmp_path / "etc/hosts"
    assert system.path_of(tmp_path / "etc/hosts") == "/etc/hosts"
    assert system.path_of(Path("/home/shop/motd")) == "/home/shop/motd"


def test_copies_belong_to_the_packages_of_where_they_come_from(tmp_path: Path) -> None:
    root = tmp_path / "project"
    folder = root / "build/pystatic/shop/container/system"
    system = CopiedFiles(folder=folder, packages={"/usr/share/zoneinfo/Europe/Paris": ZONES})
    added = {
        "/usr/share/zoneinfo/Europe/Paris": folder / "usr/share/zoneinfo/Europe/Paris",
        "/etc/motd": root / "motd",
    }
    found = image_components([PROJECT], added, root, {}, system)
    assert {each.name: each.files for each in found} == {
        "shop": ("/etc/motd", "/shop"),
        "tzdata": ("/usr/share/zoneinfo/Europe/Paris",),
    }


def test_a_bundle_of_authorities_has_a_maker() -> None:
    assert makers_of(["/etc/hosts"]) == []
    assert makers_of(["/etc/hosts", BUNDLE]) == ["/usr/sbin/update-ca-certificates"]
