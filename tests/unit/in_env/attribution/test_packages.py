from __future__ import annotations

import platform
import shutil
from pathlib import Path

import pytest

from pystatic_tasks.in_env.attribution import packages
from pystatic_tasks.in_env.attribution.packages import (
    DEB_FORMAT,
    System,
    operating_system,
    packages_of,
    read_debs,
    read_rpms,
    read_search,
    run,
    spellings,
)
from pystatic_tasks.in_env.protocol import Component


@pytest.fixture
def debian(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "freedesktop_os_release", lambda: {"ID": "debian", "VERSION_ID": "12"})


@pytest.fixture
def _dpkg() -> None:
    if not shutil.which("dpkg-query"):
        pytest.skip("dpkg is not there")


@pytest.mark.usefixtures("_dpkg")
@pytest.mark.parametrize("spelling", ["/lib/{}", "/usr/lib/{}"])
def test_a_library_belongs_to_its_package_however_its_folder_is_called(spelling: str) -> None:
    (listed,) = [line for line in run("dpkg-query", "--listfiles", "libc6").splitlines() if line.endswith("/libc.so.6")]
    path = spelling.format(listed.partition("/lib/")[2])
    found = packages_of([path, "/nowhere/libx.so"])
    assert list(found) == [path]
    assert (found[path].kind, found[path].type, found[path].name) == ("system", "deb", "libc6")
    assert found[path].version == run("dpkg-query", "--show", "--showformat=${Version}", "libc6")
    assert found[path].qualifiers["upstream"] == "glibc"
    assert found[path].supplier == run("dpkg-query", "--show", "--showformat=${Maintainer}", "libc6")
    assert found[path].licenses == ("/usr/share/doc/libc6/copyright",)
    assert "Free Software Foundation, Inc." in found[path].copyright


@pytest.mark.usefixtures("_dpkg")
def test_whoever_is_asked_for_nothing_is_not_called(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "run", lambda *command: pytest.fail("it was called"))
    assert packages_of([]) == {}


def test_without_a_package_manager_no_file_has_a_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert packages_of(["/lib/x86_64-linux-gnu/libc.so.6"]) == {}


@pytest.mark.parametrize(
    ("path", "ways"),
    [
        ("/lib/a/libx.so", ["/lib/a/libx.so", "/usr/lib/a/libx.so"]),
        ("/usr/lib64/libx.so", ["/usr/lib64/libx.so", "/lib64/libx.so"]),
        ("/usr/sbin/x", ["/usr/sbin/x", "/sbin/x"]),
        ("/usr/share/x", ["/usr/share/x"]),
        ("/opt/lib/libx.so", ["/opt/lib/libx.so"]),
        ("/usr", ["/usr"]),
    ],
)
def test_packages_may_name_a_file_within_usr_and_without(path: str, ways: list[str]) -> None:
    assert list(dict.fromkeys(spellings(path))) == ways


def test_owners_are_read_as_dpkg_prints_them() -> None:
    printed = (
        "libc6:amd64: /lib/x86_64-linux-gnu/libc.so.6\n"
        "diversion by dash from: /bin/sh\n"
        "dash: /bin/sh\n"
        "libx1:amd64, libx1:i386: /usr/share/doc/libx1: notes\n"
    )
    assert read_search(printed) == {
        "/lib/x86_64-linux-gnu/libc.so.6": "libc6:amd64",
        "/bin/sh": "dash",
        "/usr/share/doc/libx1: notes": "libx1:amd64",
    }


def test_a_debian_package_is_known_by_what_dpkg_calls_it(debian: None) -> None:
    assert DEB_FORMAT.count("\t") == 6
    found = read_debs(
        "libx0:amd64\tlibx0\t3.0.19-1\tamd64\topenssl\t3.0.19-1\tTeam X <x@lists.example>\n"
        "xdata\txdata\t2026f-0\tall\txdata\t2026f-0\tAda\n"
    )
    assert set(found) == {"libx0", "libx0:amd64", "xdata", "xdata:all"}
    assert found["libx0:amd64"] == Component(
        kind="system",
        type="deb",
        namespace="debian",
        name="libx0",
        version="3.0.19-1",
        licenses=(),
        supplier="Team X <x@lists.example>",
        qualifiers={"arch": "amd64", "distro": "debian-12", "upstream": "openssl"},
    )
    assert found["xdata"].qualifiers == {"arch": "all", "distro": "debian-12"}


def test_the_sources_own_version_is_kept(debian: None) -> None:
    found = read_debs("libgcc-s1:amd64\tlibgcc-s1\t12.2.0-14+b1\tamd64\tgcc-12\t12.2.0-14\tAda\n")
    assert found["libgcc-s1"].qualifiers["upstream"] == "gcc-12@12.2.0-14"


def test_an_rpm_is_known_with_its_epoch_and_licence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "freedesktop_os_release", lambda: {"ID": "fedora", "VERSION_ID": "41"})
    found = read_rpms(
        "file /opt/libx.so is not owned by any package\n"
        "openssl-libs\t1\t3.2.2-9.fc41\tx86_64\topenssl-3.2.2-9.fc41.src.rpm\tApache-2.0\tFedora Project\n"
        "glibc\t\t2.40-17.fc41\tx86_64\tglibc-2.40-17.fc41.src.rpm\tLGPL-2.1-or-later\t(none)\n"
    )
    assert set(found) == {("openssl-libs", "x86_64"), ("glibc", "x86_64")}
    assert found["openssl-libs", "x86_64"] == Component(
        kind="system",
        type="rpm",
        namespace="fedora",
        name="openssl-libs",
        version="3.2.2-9.fc41",
        licenses=("Apache-2.0",),
        supplier="Fedora Project",
        qualifiers={
            "arch": "x86_64",
            "distro": "fedora-41",
            "epoch": "1",
            "upstream": "openssl-3.2.2-9.fc41.src.rpm",
        },
    )
    assert "epoch" not in found["glibc", "x86_64"].qualifiers
    assert found["glibc", "x86_64"].supplier == ""


def test_an_rpms_licence_files_tell_whose_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "libx" / "more").mkdir(parents=True)
    (tmp_path / "libx" / "COPYING").write_text("Copyright (c) 2020 Ada\n", encoding="utf-8")
    (tmp_path / "libx" / "more" / "NOTICE").write_text("Copyright 2021 Bob\n", encoding="utf-8")
    monkeypatch.setattr(packages, "RPM_LICENSES", tmp_path)
    found = read_rpms("libx\t\t1-1\tx86_64\tlibx-1-1.src.rpm\tMIT\tFedora Project\n")
    assert found["libx", "x86_64"].copyright == "Copyright (c) 2020 Ada\nCopyright 2021 Bob"


def test_a_machine_that_does_not_say_what_it_is_has_no_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> dict[str, str]:
        raise OSError

    monkeypatch.setattr(platform, "freedesktop_os_release", fails)
    assert operating_system() == System(id="", version="")
